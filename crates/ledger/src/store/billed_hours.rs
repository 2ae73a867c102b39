//! `billed_hours`: which hours archived bills hold (rule 48).

use std::collections::HashSet;

use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};

use crate::domain::billing::{inputs::BilledHours, number::Hours, period::Period};

/// Hours of an archived bill, and the number that its company has now.
struct Row {
    id: i64,
    account_number: String,
    ticket_number: String,
    time_entry_id: Option<i64>,
    hours: Decimal,
    billing_year: i32,
    billing_month: i32,
}

/// Hours that may concern bills of these companies, of all without a list, by the number that a company has now: those of their own
/// bills since a year, those without a date of any year, and those of the given entries, whoever's bill holds them. Codex sends all
/// entries of a ticket that changed, however old they are, and a ticket may have moved from one company to another.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    connection: &mut PgConnection,
    only: Option<&[String]>,
    entries: Option<&[i64]>,
    since_year: i32,
) -> sqlx::Result<Vec<(String, BilledHours)>> {
    let mut rows = sqlx::query_as!(
        Row,
        // Months first: whose they are now is asked once for each, not once for each of its hours.
        r#"with months as materialized (
             select id, current_account_number, billing_year, billing_month from archived_months
             where $1::text[] is null or company_account_number = any((select numbers_of($1))::text[])
                and current_account_number = any($1))
         select b.id, s.current_account_number as "account_number!", b.ticket_number, b.time_entry_id, b.hours,
            s.billing_year as "billing_year!", s.billing_month as "billing_month!"
         from months s join billed_hours b on b.snapshot_id = s.id
         where b.time_entry_id is null or s.billing_year >= $2"#,
        only,
        since_year
    )
    .fetch_all(&mut *connection)
    .await?;
    // Nearly all entries are in the bills of their own company, so that few have to be looked for.
    let found: HashSet<i64> = rows.iter().filter_map(|row| row.time_entry_id).collect();
    let left: Vec<i64> =
        entries.unwrap_or_default().iter().filter(|id| !found.contains(id)).copied().collect();
    if !left.is_empty() {
        let others = sqlx::query_as!(
            Row,
            r#"select b.id, s.current_account_number as "account_number!", b.ticket_number, b.time_entry_id, b.hours,
                s.billing_year as "billing_year!", s.billing_month as "billing_month!"
             from billed_hours b join archived_months s on s.id = b.snapshot_id
             where b.time_entry_id = any($1)"#,
            &left
        );
        rows.extend(others.fetch_all(connection).await?);
    }
    rows.sort_unstable_by_key(|row| row.id);
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

/// Whether hours of the year before may have to be billed in this month although their tickets were not touched since: December
/// was archived before its last hours can have come, all months of this year before the given one are archived, and none of
/// them after its end, so that it took those hours. Two days are for a Codex that reads late and does not tell.
///
/// # Errors
/// When the database cannot be read.
pub async fn may_take_last_years(
    pool: &PgPool,
    only: Option<&[String]>,
    period: Period,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"with archive as (
             select current_account_number as account_number, billing_year, billing_month, archived_at
             from archived_months
             where (billing_year = $2 - 1 and billing_month = 12 or billing_year = $2 and billing_month < $3)
                and ($1::text[] is null or company_account_number = any((select numbers_of($1))::text[]))),
           closed_early as (
             select distinct account_number from archive
             where billing_year = $2 - 1 and archived_at < make_timestamptz($2, 1, 3, 0, 0, 0, 'UTC')
                and ($1::text[] is null or account_number = any($1))),
           this_year as (
             select account_number, count(distinct billing_month) as months,
                bool_or(archived_at >= make_timestamptz($2, billing_month + 1, 1, 0, 0, 0, 'UTC')) as took_them
             from archive where billing_year = $2 group by account_number)
           select exists (select from closed_early left join this_year using (account_number)
             where coalesce(months, 0) = $3 - 1 and not coalesce(took_them, false)) as "exists!""#,
        only,
        period.year(),
        period.month().cast_signed()
    )
    .fetch_one(pool)
    .await
}
