//! `billed_hours`: which hours archived bills hold (rule 48).

use sqlx::PgExecutor;

use crate::domain::billing::{inputs::BilledHours, number::Hours, period::Period};

/// Hours of companies, of all without a list, that may concern a bill of this year: dated entries of a year can only have
/// been billed from that year on, hours of a ticket without dates at any time.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    executor: impl PgExecutor<'_>,
    only: Option<&[String]>,
    since_year: i32,
) -> sqlx::Result<Vec<(String, BilledHours)>> {
    let rows = sqlx::query!(
        "select b.company_account_number, b.ticket_number, b.time_entry_id, b.hours, s.billing_year, s.billing_month
         from billed_hours b join billing_snapshots s on s.id = b.snapshot_id
         where ($1::text[] is null or b.company_account_number = any($1))
            and (b.time_entry_id is null or s.billing_year >= $2)
         order by b.id",
        only,
        since_year
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
        (row.company_account_number, billed)
    });
    Ok(hours.collect())
}
