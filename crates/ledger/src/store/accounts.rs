//! What is kept under which account number, and numbers that became others.

mod renames;
mod taken_back;

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor};
use utoipa::ToSchema;

pub use renames::{Refused, carry_over};
pub use taken_back::{Fixed, Rename, list as renames, take_back};

use crate::domain::billing::Period;

/// Tables of what is kept under an account number beside the archive.
const KEPT: [&str; 5] = [
    "client_billing_overrides",
    "client_feature_overrides",
    "manual_assets",
    "manual_users",
    "custom_line_items",
];

/// What is kept under an account number beside the archive.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Kept {
    /// The number.
    pub account_number: String,
    /// Name on its newest archived invoice.
    pub company_name: Option<String>,
    /// Whether it has rates, a plan, a support level or hours of its own.
    pub has_conditions: bool,
    /// Features agreed on.
    pub features: i64,
    /// Devices entered by hand.
    pub manual_assets: i64,
    /// People entered by hand.
    pub manual_users: i64,
    /// Line items.
    pub line_items: i64,
    /// Archived invoices, which stay under their number.
    pub invoices: i64,
}

/// All account numbers under which something is kept that bills depend on, or that have an archived month
/// since `since`.
///
/// # Errors
/// When the database cannot be read.
pub async fn kept(executor: impl PgExecutor<'_>, since: Option<Period>) -> sqlx::Result<Vec<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"with kept (account_number, conditions, features, assets, users, items) as (
             select company_account_number, 1, 0, 0, 0, 0 from client_billing_overrides
             union all select company_account_number, 0, 1, 0, 0, 0 from client_feature_overrides
             union all select company_account_number, 0, 0, 1, 0, 0 from manual_assets
             union all select company_account_number, 0, 0, 0, 1, 0 from manual_users
             union all select company_account_number, 0, 0, 0, 0, 1 from custom_line_items
             union all select company_account_number, 0, 0, 0, 0, 0 from archived_months
              where current_account_number = company_account_number and (billing_year, billing_month) >= ($1, $2))
         select k.account_number as "account_number!",
             (select s.company_name from billing_snapshots s where s.company_account_number = k.account_number
               order by s.billing_year desc, s.billing_month desc limit 1) as company_name,
             sum(k.conditions) > 0 as "has_conditions!", sum(k.features) as "features!", sum(k.assets) as "manual_assets!",
             sum(k.users) as "manual_users!", sum(k.items) as "line_items!",
             (select count(*) from billing_snapshots s where s.company_account_number = k.account_number) as "invoices!"
           from kept k group by k.account_number order by k.account_number"#,
        since.map_or(0, Period::year),
        since.map_or(0, |since| since.month().cast_signed())
    )
    .fetch_all(executor)
    .await
}

/// The numbers that companies have now whose invoices of a month are archived under former ones, by those.
///
/// # Errors
/// When the database cannot be read.
pub async fn current_in(
    executor: impl PgExecutor<'_>,
    year: i32,
    month: i32,
) -> sqlx::Result<HashMap<String, String>> {
    let rows = sqlx::query!(
        r#"select company_account_number as "former!", current_account_number as "current!" from archived_months
            where billing_year = $1 and billing_month = $2 and current_account_number <> company_account_number"#,
        year,
        month
    );
    Ok(rows.fetch_all(executor).await?.into_iter().map(|row| (row.former, row.current)).collect())
}

/// The number that a company has now, by an archived invoice.
///
/// # Errors
/// When the database cannot be read.
pub async fn current_of(executor: impl PgExecutor<'_>, invoice_number: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select current_account_number as "current!" from archived_months where invoice_number = $1"#,
        invoice_number
    )
    .fetch_optional(executor)
    .await
}

/// Removes everything that is kept under an account number, in the caller's transaction, and answers how many rows that were. The
/// archive stays as it is.
///
/// # Errors
/// When the database does not do it.
pub async fn remove(connection: &mut PgConnection, account_number: &str) -> sqlx::Result<u64> {
    let mut rows = 0;
    for table in KEPT {
        let query = format!("delete from {table} where company_account_number = $1");
        let done = sqlx::query(AssertSqlSafe(query)).bind(account_number).execute(&mut *connection).await?;
        rows += done.rows_affected();
    }
    Ok(rows)
}
