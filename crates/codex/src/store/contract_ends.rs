//! Last days of contracts whose start or term a person has edited: the effective values decide, also when a sync has
//! changed the other one (codex-api.md §6.5).

use sqlx::PgConnection;

use crate::domain::contract::effective_end;

/// Computes them again. Where none follows, the stored one stays.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn refresh(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let rows = sqlx::query!(
        "select account_number, contract_start_date, contract_term_length, contract_end_date from companies
         where edited_fields && '{contract_start_date,contract_term_length}'"
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut numbers, mut ends) = (Vec::new(), Vec::new());
    for row in rows {
        let (start, term) = (row.contract_start_date.as_deref(), row.contract_term_length.as_deref());
        let end = effective_end(start, term, row.contract_end_date.as_deref());
        if end != row.contract_end_date {
            numbers.push(row.account_number);
            ends.push(end);
        }
    }
    let done = sqlx::query!(
        "update companies c set contract_end_date = n.last_day
         from unnest($1::text[], $2::text[]) as n (account_number, last_day) where c.account_number = n.account_number",
        &numbers,
        &ends as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
