//! `billing_snapshots` and what hangs on them: invoices are put into the archive and read, never changed.

mod lists;
mod read;
mod write;

use std::collections::HashMap;

use sqlx::{PgExecutor, PgPool};

pub use lists::{Listed, Search, Summary, names, of_company, of_span, search};
pub use read::{Stored, StoredCsv, csv, find, number_of, of_company_month};
pub use write::{Outcome, archive, archive_held};
pub(super) use write::{hold_chain, last_seal};

/// A month of a company that is archived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Month {
    /// Whose it was.
    pub company_account_number: String,
    /// The number that this company has now.
    pub current_account_number: String,
    /// Year.
    pub billing_year: i32,
    /// Month, 1 to 12.
    pub billing_month: i32,
    /// Its place in the archive.
    pub position: i64,
}

/// The archived months of companies, of all without a list, those under former numbers included.
///
/// # Errors
/// When the database cannot be read.
pub async fn months(executor: impl PgExecutor<'_>, only: Option<&[String]>) -> sqlx::Result<Vec<Month>> {
    sqlx::query_as!(
        Month,
        r#"select company_account_number as "company_account_number!", current_account_number as "current_account_number!",
            billing_year as "billing_year!", billing_month as "billing_month!", position as "position!"
         from archived_months
         where $1::text[] is null or company_account_number = any((select numbers_of($1))::text[])
            and (company_account_number = any($1) or current_account_number = any($1))"#,
        only
    )
    .fetch_all(executor)
    .await
}

/// Where a company's archive ends, what it has under former numbers included.
///
/// # Errors
/// When the database cannot be read.
pub async fn archive_end(executor: impl PgExecutor<'_>, account_number: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(max(position), 0) as "end!" from archived_months
            where company_account_number = any((select numbers_of(array[$1]))::text[])
               and (company_account_number = $1 or current_account_number = $1)"#,
        account_number
    )
    .fetch_one(executor)
    .await
}

/// Whether there is any archived invoice.
///
/// # Errors
/// When the database cannot be read.
pub async fn any(executor: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from billing_snapshots) as "any!""#)
        .fetch_one(executor)
        .await
}

/// The archived invoices of a month: account numbers with the numbers of their invoices.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_month(pool: &PgPool, year: i32, month: i32) -> sqlx::Result<HashMap<String, String>> {
    let rows = sqlx::query!(
        "select company_account_number, invoice_number from billing_snapshots
         where billing_year = $1 and billing_month = $2",
        year,
        month
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.company_account_number, row.invoice_number)).collect())
}

/// Companies with archived invoices.
///
/// # Errors
/// When the database cannot be read.
pub async fn companies(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select distinct company_account_number from billing_snapshots order by 1")
        .fetch_all(executor)
        .await
}

/// Companies with archived invoices whose account numbers come after the given one.
///
/// # Errors
/// When the database cannot be read.
pub async fn companies_after(
    executor: impl PgExecutor<'_>,
    after: Option<&str>,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select distinct company_account_number from billing_snapshots
         where $1::text is null or company_account_number > $1 order by 1",
        after
    )
    .fetch_all(executor)
    .await
}

/// Numbers of a company's invoices, in the order of the archive.
///
/// # Errors
/// When the database cannot be read.
pub async fn numbers(executor: impl PgExecutor<'_>, account_number: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select invoice_number from billing_snapshots where company_account_number = $1 order by position",
        account_number
    )
    .fetch_all(executor)
    .await
}
