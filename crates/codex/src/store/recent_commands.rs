//! Remote commands of the last minute, whichever instance has taken them, so that a second click does not run one twice.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

/// How long the same command of the same person on the same device is taken for a repetition.
pub const APART: TimeDelta = TimeDelta::seconds(60);

/// What makes two orders the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Our id of the device.
    pub device: i64,
    /// What is run.
    pub command: String,
    /// Who runs it.
    pub caller: String,
    /// The caller's own name of the order: another one says that it is meant again.
    pub key: Option<String>,
}

impl Order {
    /// Commands may hold what nobody else is to read, so only this is stored.
    fn digest(&self) -> Uuid {
        let order = json!([self.device, self.command, self.caller, self.key]).to_string();
        Uuid::new_v5(&Uuid::NAMESPACE_OID, order.as_bytes())
    }
}

/// Remembers an order; `false` when the same one was given within the last minute.
///
/// # Errors
/// When the database cannot be written.
pub async fn begin(pool: &PgPool, order: &Order, now: DateTime<Utc>) -> sqlx::Result<bool> {
    // One from the future was taken before the clock was set back.
    sqlx::query!("delete from recent_commands where at <= $1 or at >= $2", now - APART, now + APART)
        .execute(pool)
        .await?;
    let taken = sqlx::query!(
        "insert into recent_commands (digest, at) values ($1, $2) on conflict do nothing",
        order.digest(),
        now
    )
    .execute(pool)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Forgets an order that certainly was not carried out.
///
/// # Errors
/// When the database cannot be written.
pub async fn forget(pool: &PgPool, order: &Order) -> sqlx::Result<()> {
    sqlx::query!("delete from recent_commands where digest = $1", order.digest()).execute(pool).await?;
    Ok(())
}
