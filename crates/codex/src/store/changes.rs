//! Who changes and removes rows, and how long that is remembered. Triggers of the database write the history; the
//! transaction only says who acts and why.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

/// Changes are remembered this long.
const CHANGES: TimeDelta = TimeDelta::days(730);
/// Removed rows are kept this long.
const TOMBSTONES: TimeDelta = TimeDelta::days(180);

/// Says who makes the changes of this transaction; without it they are a sync's.
///
/// # Errors
/// When the database cannot be asked.
pub async fn acting(conn: &mut PgConnection, actor: &str) -> sqlx::Result<()> {
    sqlx::query!("select set_config('codex.actor', $1, true)", actor).fetch_one(conn).await?;
    Ok(())
}

/// Says why rows are removed in this transaction.
///
/// # Errors
/// When the database cannot be asked.
pub async fn removing(conn: &mut PgConnection, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("select set_config('codex.removal_reason', $1, true)", reason).fetch_one(conn).await?;
    Ok(())
}

/// Forgets what is older than it needs to be.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let changes = sqlx::query!("delete from change_log where at < $1", now - CHANGES).execute(pool).await?;
    let removed =
        sqlx::query!("delete from tombstones where removed_at < $1", now - TOMBSTONES).execute(pool).await?;
    Ok(changes.rows_affected() + removed.rows_affected())
}
