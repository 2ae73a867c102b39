//! Types of single devices and people, by Codex's id (ledger.md §2.2).

use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{billing::number::Money, changes::TypeChange};

/// Of what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Of {
    /// Devices: `asset_billing_overrides`.
    Assets,
    /// People: `user_billing_overrides`.
    Users,
}

/// A row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TypeRow {
    /// Codex's id.
    pub id: i64,
    /// The type.
    pub billing_type: Option<String>,
    /// What it costs if the type is `Custom`.
    pub custom_cost: Option<Decimal>,
}

/// Rows of these ids, of all without a list.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(executor: impl PgExecutor<'_>, of: Of, only: Option<&[i64]>) -> sqlx::Result<Vec<TypeRow>> {
    match of {
        Of::Assets => {
            sqlx::query_as!(
                TypeRow,
                "select asset_id as id, billing_type, custom_cost from asset_billing_overrides
                 where $1::bigint[] is null or asset_id = any($1)",
                only
            )
            .fetch_all(executor)
            .await
        }
        Of::Users => {
            sqlx::query_as!(
                TypeRow,
                "select user_id as id, billing_type, custom_cost from user_billing_overrides
                 where $1::bigint[] is null or user_id = any($1)",
                only
            )
            .fetch_all(executor)
            .await
        }
    }
}

/// Stores the type of one device or person. Whose it is may be unknown.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(
    connection: &mut PgConnection,
    of: Of,
    id: i64,
    change: &TypeChange,
    account_number: Option<&str>,
) -> sqlx::Result<()> {
    let cost = change.custom_cost.map(Money::decimal);
    match of {
        Of::Assets => {
            sqlx::query!(
                "insert into asset_billing_overrides as o (asset_id, billing_type, custom_cost, company_account_number)
                 values ($1, $2, $3, $4)
                 on conflict (asset_id) do update set billing_type = excluded.billing_type, custom_cost = excluded.custom_cost,
                    company_account_number = coalesce(excluded.company_account_number, o.company_account_number)",
                id,
                change.billing_type,
                cost,
                account_number
            )
            .execute(connection)
            .await?
        }
        Of::Users => {
            sqlx::query!(
                "insert into user_billing_overrides as o (user_id, billing_type, custom_cost, company_account_number)
                 values ($1, $2, $3, $4)
                 on conflict (user_id) do update set billing_type = excluded.billing_type, custom_cost = excluded.custom_cost,
                    company_account_number = coalesce(excluded.company_account_number, o.company_account_number)",
                id,
                change.billing_type,
                cost,
                account_number
            )
            .execute(connection)
            .await?
        }
    };
    Ok(())
}

/// Forgets the type of one device or person. False when there was none.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(connection: &mut PgConnection, of: Of, id: i64) -> sqlx::Result<bool> {
    let done = match of {
        Of::Assets => {
            sqlx::query!("delete from asset_billing_overrides where asset_id = $1", id)
                .execute(connection)
                .await?
        }
        Of::Users => {
            sqlx::query!("delete from user_billing_overrides where user_id = $1", id)
                .execute(connection)
                .await?
        }
    };
    Ok(done.rows_affected() > 0)
}
