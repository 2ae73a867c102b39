//! Devices and people that Codex does not know (ledger.md §2.2).

use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{
    billing::number::Money,
    changes::{NewManualAsset, NewManualUser},
};

/// A device or person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ManualRow {
    /// Ledger's id.
    pub id: i32,
    /// Whose.
    pub company_account_number: String,
    /// `hostname` or `full_name`.
    pub name: String,
    /// Billing type.
    pub billing_type: String,
    /// What it costs if the type is `Custom`.
    pub custom_cost: Option<Decimal>,
    /// For people.
    pub notes: Option<String>,
}

/// Devices of companies, of all without a list, by id.
///
/// # Errors
/// When the database cannot be read.
pub async fn assets(executor: impl PgExecutor<'_>, only: Option<&[String]>) -> sqlx::Result<Vec<ManualRow>> {
    sqlx::query_as!(
        ManualRow,
        "select id, company_account_number, hostname as name, billing_type, custom_cost, notes from manual_assets
         where $1::text[] is null or company_account_number = any($1) order by id",
        only
    )
    .fetch_all(executor)
    .await
}

/// People of companies, of all without a list, by id.
///
/// # Errors
/// When the database cannot be read.
pub async fn users(executor: impl PgExecutor<'_>, only: Option<&[String]>) -> sqlx::Result<Vec<ManualRow>> {
    sqlx::query_as!(
        ManualRow,
        "select id, company_account_number, full_name as name, billing_type, custom_cost, notes from manual_users
         where $1::text[] is null or company_account_number = any($1) order by id",
        only
    )
    .fetch_all(executor)
    .await
}

/// Adds a device; its id.
///
/// # Errors
/// When the database cannot be written.
pub async fn add_asset(
    connection: &mut PgConnection,
    account_number: &str,
    asset: &NewManualAsset,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "insert into manual_assets (company_account_number, hostname, billing_type, custom_cost, notes)
         values ($1, $2, $3, $4, $5) returning id",
        account_number,
        asset.hostname,
        asset.billing.billing_type,
        asset.billing.custom_cost.map(Money::decimal),
        asset.notes
    )
    .fetch_one(connection)
    .await
}

/// Adds a person; the id.
///
/// # Errors
/// When the database cannot be written.
pub async fn add_user(
    connection: &mut PgConnection,
    account_number: &str,
    user: &NewManualUser,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "insert into manual_users (company_account_number, full_name, billing_type, custom_cost, notes)
         values ($1, $2, $3, $4, $5) returning id",
        account_number,
        user.full_name,
        user.billing.billing_type,
        user.billing.custom_cost.map(Money::decimal),
        user.notes
    )
    .fetch_one(connection)
    .await
}

/// Removes a device of this company. False when there is none.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove_asset(
    connection: &mut PgConnection,
    account_number: &str,
    id: i32,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from manual_assets where company_account_number = $1 and id = $2",
        account_number,
        id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a person of this company. False when there is none.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove_user(connection: &mut PgConnection, account_number: &str, id: i32) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from manual_users where company_account_number = $1 and id = $2",
        account_number,
        id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
