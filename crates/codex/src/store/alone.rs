//! Work that keeps all syncs out: taking over another database, clearing data.
//!
//! It is held by an advisory lock of a connection, not by a row: a process that is killed lets go at once, and nothing of it
//! stays behind.

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::sync_jobs;

/// Key of the advisory lock.
const KEY: i64 = 0x636f_6465_785f_616c;

/// Script of a job that stores nothing, so that it disturbs nobody.
const HARMLESS: &str = "psa-dry-run";
/// Script of the job that clears data; whoever starts it is alone.
pub const CLEARING: &str = "clear-data";

/// The right to be alone, until it is dropped or [`Alone::end`]ed.
#[derive(Debug)]
pub struct Alone(PgConnection);

/// Who is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// A job that runs.
    #[error("a sync is running (job {0})")]
    Job(Uuid),
    /// Somebody else who has to be alone, or a job that begins just now.
    #[error("an import or the clearing of data is running")]
    Alone,
}

impl Alone {
    /// Asks for the right; nobody waits.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Result<Self, Busy>> {
        // A connection of its own: one of the pool would keep the lock when it goes back there.
        let mut connection = pool.acquire().await?.detach();
        let free = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "free!""#, KEY)
            .fetch_one(&mut connection)
            .await?;
        if !free {
            connection.close().await?;
            return Ok(Err(Busy::Alone));
        }
        sync_jobs::fail_lapsed(pool, now).await?;
        let job = sqlx::query_scalar!(
            "select id from sync_jobs where status = 'running' and script <> $1 order by started_at limit 1",
            HARMLESS
        )
        .fetch_optional(&mut connection)
        .await?;
        match job {
            None => Ok(Ok(Self(connection))),
            Some(job) => {
                connection.close().await?;
                Ok(Err(Busy::Job(job)))
            }
        }
    }

    /// Lets the others in again.
    ///
    /// # Errors
    /// When the connection is gone; then they are let in as well.
    pub async fn end(self) -> sqlx::Result<()> {
        self.0.close().await
    }
}

/// Whether a job of a script may begin: nobody is alone, and nobody can be before this transaction has ended.
///
/// # Errors
/// When the database cannot be reached.
pub async fn let_in(tx: &mut Transaction<'_, Postgres>, script: &str) -> sqlx::Result<bool> {
    if [HARMLESS, CLEARING].contains(&script) {
        return Ok(true);
    }
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock_shared($1) as "free!""#, KEY)
        .fetch_one(&mut **tx)
        .await
}
