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

/// Writes a change into the history that no column of the record shows, such as the users of a device. The actor is the
/// transaction's.
///
/// # Errors
/// When the database cannot be written.
pub async fn note(
    conn: &mut PgConnection,
    entity: &str,
    id: &str,
    field: &str,
    old: Option<&str>,
    new: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into change_log (entity, entity_id, field, old_value, new_value, actor)
         values ($1, $2, $3, $4, $5, coalesce(nullif(current_setting('codex.actor', true), ''), 'sync'))",
        entity,
        id,
        field,
        old,
        new
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A change that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// The column, or the word of [`note`].
    pub field: String,
    /// Value before.
    pub old_value: Option<String>,
    /// Value after.
    pub new_value: Option<String>,
    /// Who; `sync` for a sync.
    pub actor: String,
}

/// The last changes of a record, newest first, at most `limit`, with the beginnings of long values. Columns that only repeat
/// others are left out.
///
/// # Errors
/// When the database cannot be read.
pub async fn of(pool: &PgPool, entity: &str, id: &str, limit: i64) -> sqlx::Result<Vec<Change>> {
    sqlx::query_as!(
        Change,
        "select at, field, left(old_value, 2000) as old_value, left(new_value, 2000) as new_value, actor from change_log
         where entity = $1 and entity_id = $2 and not field = any ('{title,primary_email,search_text}')
         order by at desc, id desc limit $3",
        entity,
        id,
        limit
    )
    .fetch_all(pool)
    .await
}
