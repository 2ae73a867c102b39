//! `billed_hours`: which hours archived bills hold (rule 48).

use sqlx::PgExecutor;

use crate::domain::billing::{inputs::BilledHours, number::Hours, period::Period};

/// Hours that may concern bills of these companies, of all without a list, by the number that a company has now: those of their own bills since a year, those without
/// a date of any year, and those of the given entries, whoever's bill holds them. Codex sends all entries of a ticket that
/// changed, however old they are, and a ticket may have moved from one company to another.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    executor: impl PgExecutor<'_>,
    only: Option<&[String]>,
    entries: Option<&[i64]>,
    since_year: i32,
) -> sqlx::Result<Vec<(String, BilledHours)>> {
    let rows = sqlx::query!(
        r#"select s.current_account_number as "account_number!", b.ticket_number, b.time_entry_id, b.hours,
            s.billing_year as "billing_year!", s.billing_month as "billing_month!"
         from billed_hours b join archived_months s on s.id = b.snapshot_id
         where (($1::text[] is null or s.current_account_number = any($1))
                and (b.time_entry_id is null or s.billing_year >= $2))
            or b.time_entry_id = any($3)
         order by b.id"#,
        only,
        since_year,
        entries
    )
    .fetch_all(executor)
    .await?;
    let hours = rows.into_iter().map(|row| {
        let billed = BilledHours {
            period: Period::new(row.billing_year.into(), row.billing_month.into()),
            ticket_number: row.ticket_number,
            time_entry_id: row.time_entry_id,
            hours: Hours::new(row.hours).unwrap_or_default(),
        };
        (row.account_number, billed)
    });
    Ok(hours.collect())
}
