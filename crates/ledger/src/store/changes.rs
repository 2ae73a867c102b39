//! Who changed which rate. Triggers of the database write the history; the transaction only says who acts.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use utoipa::ToSchema;

/// A transaction in which everything is done by `actor`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn begin(pool: &PgPool, actor: &str) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    acting(&mut tx, actor).await?;
    Ok(tx)
}

/// Says who makes the changes of this transaction.
///
/// # Errors
/// When the database cannot be asked.
pub async fn acting(connection: &mut PgConnection, actor: &str) -> sqlx::Result<()> {
    sqlx::query!("select set_config('ledger.actor', $1, true)", actor).fetch_one(connection).await?;
    Ok(())
}

/// A column that became another one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct RateChange {
    /// Rises with time.
    pub id: i64,
    /// When.
    pub changed_at: DateTime<Utc>,
    /// Who.
    pub changed_by: String,
    /// Table.
    pub table_name: String,
    /// What in it: the company, Codex's id of the device or person, Ledger's id, the feature or kind of device.
    pub row_id: String,
    /// Whose; null where it concerns no single company, or is not known.
    pub company_account_number: Option<String>,
    /// Column.
    pub column_name: String,
    /// Value before; null where there was none.
    pub old_value: Option<String>,
    /// Value after; null where there is none any more.
    pub new_value: Option<String>,
}

/// Changes, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    pool: &PgPool,
    account_number: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<RateChange>> {
    sqlx::query_as!(
        RateChange,
        "select id, changed_at, changed_by, table_name, row_id, company_account_number, column_name,
            left(old_value, 500) as old_value, left(new_value, 500) as new_value
         from rate_changes
         where ($1::text is null or company_account_number = $1) and ($2::bigint is null or id < $2)
         order by id desc limit $3",
        account_number,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}
