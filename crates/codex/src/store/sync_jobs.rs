//! Sync jobs: one row per run, alone in its kind, alive as long as its worker beats (codex-api.md §8.2).

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::alone::{self, Busy};

/// A worker that has not beaten for this long is dead.
pub const LEASE: Duration = Duration::from_secs(15);

/// Begins the error text of jobs that were broken off by the end of their worker; such work is taken up again at once.
pub const INTERRUPTED: &str = "interrupted";

/// A job to be started.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// What kind of work: `psa`, `rmm`, …
    pub script: &'a str,
    /// Name of the provider, for scripts whose rows name one.
    pub provider: Option<&'a str>,
    /// `base`, `tickets`, `tickets-detail`, …, for scripts that know several.
    pub sync_type: Option<&'a str>,
    /// While the job runs no other one may hold this key.
    pub exclusive_key: &'a str,
    /// Who asked for it.
    pub requested_by: &'a str,
}

/// A stored job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Job id.
    pub id: Uuid,
    /// Kind of sync.
    pub script: String,
    /// Name of the provider.
    pub provider: Option<String>,
    /// Part and reach of the sync.
    pub sync_type: Option<String>,
    /// `running`, `completed`, `failed`.
    pub status: String,
    /// Begun.
    pub started_at: DateTime<Utc>,
    /// Ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// The last lines it wrote.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Outcome, once it has ended.
    pub success: Option<bool>,
    /// Phase, page and counts.
    pub progress: Option<Value>,
}

/// Starts a job, unless one with the same key runs or somebody has to be alone: then that comes back as `Err`.
///
/// # Errors
/// When the database cannot be written.
pub async fn start(pool: &PgPool, job: &NewJob<'_>, now: DateTime<Utc>) -> sqlx::Result<Result<Uuid, Busy>> {
    loop {
        fail_lapsed(pool, now).await?;
        let id = Uuid::new_v4();
        let mut tx = pool.begin().await?;
        if !alone::let_in(&mut tx, job.script).await? {
            return Ok(Err(Busy::Alone));
        }
        let started = sqlx::query!(
            "insert into sync_jobs
                 (id, script, provider, sync_type, status, started_at, requested_by, exclusive_key, heartbeat_at)
             values ($1, $2, $3, $4, 'running', $5, $6, $7, clock_timestamp())
             on conflict (exclusive_key) where status = 'running' do nothing",
            id,
            job.script,
            job.provider,
            job.sync_type,
            now,
            job.requested_by,
            job.exclusive_key
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        if started.rows_affected() == 1 {
            return Ok(Ok(id));
        }
        if let Some(running) = running(pool, job.exclusive_key).await? {
            return Ok(Err(Busy::Job(running)));
        }
        // It ended between the two statements.
    }
}

/// The running job that holds a key.
///
/// # Errors
/// When the database cannot be read.
pub async fn running(pool: &PgPool, exclusive_key: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select id from sync_jobs where exclusive_key = $1 and status = 'running'",
        exclusive_key
    )
    .fetch_optional(pool)
    .await
}

/// Moves a running job to another key; `false` when that one is held by another job, and the job keeps its own.
///
/// # Errors
/// When the database cannot be written.
pub async fn change_key(pool: &PgPool, id: Uuid, exclusive_key: &str) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        "update sync_jobs set exclusive_key = $2 where id = $1 and status = 'running'",
        id,
        exclusive_key
    )
    .execute(pool)
    .await;
    match moved {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a worker learns when it beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Go on.
    Alive,
    /// Somebody wants the job to end.
    CancelRequested,
    /// The job was given up for dead; its work belongs to another worker now.
    Lost,
}

impl Beat {
    /// From the mark in the row of a running job.
    fn of(cancel_requested: Option<bool>) -> Self {
        match cancel_requested {
            Some(false) => Self::Alive,
            Some(true) => Self::CancelRequested,
            None => Self::Lost,
        }
    }
}

/// Shows that the worker lives, and how far it is. Without `output` the stored one stays, and is not written again.
///
/// # Errors
/// When the database cannot be written.
pub async fn beat(pool: &PgPool, id: Uuid, progress: &Value, output: Option<&str>) -> sqlx::Result<Beat> {
    let cancel = sqlx::query_scalar!(
        "update sync_jobs set heartbeat_at = clock_timestamp(), progress = $2, output = coalesce($3, output)
         where id = $1 and status = 'running' returning cancel_requested",
        id,
        progress,
        output
    )
    .fetch_optional(pool)
    .await?;
    Ok(Beat::of(cancel))
}

/// What a sign of life would be answered with, without giving one.
///
/// # Errors
/// When the database cannot be read.
pub async fn look(pool: &PgPool, id: Uuid) -> sqlx::Result<Beat> {
    let cancel = sqlx::query_scalar!(
        "select cancel_requested from sync_jobs where id = $1 and status = 'running'",
        id
    )
    .fetch_optional(pool)
    .await?;
    Ok(Beat::of(cancel))
}

/// How a job ended.
#[derive(Debug, Clone)]
pub struct Ending<'a> {
    /// Why it failed; `None` when it did not.
    pub error: Option<&'a str>,
    /// Whether single items failed in a job that did not.
    pub partly: bool,
    /// The last lines it wrote.
    pub output: &'a str,
    /// Phase, page and counts.
    pub progress: &'a Value,
}

/// Ends a running job.
///
/// # Errors
/// When the database cannot be written.
pub async fn finish(pool: &PgPool, id: Uuid, ending: &Ending<'_>, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update sync_jobs set status = case when $2::text is null then 'completed' else 'failed' end,
             success = $2::text is null and not $6, error = $2, output = $3, progress = $4, completed_at = $5, exclusive_key = null
         where id = $1 and status = 'running'",
        id,
        ending.error,
        ending.output,
        ending.progress,
        now,
        ending.partly
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Ends the jobs whose workers are dead.
///
/// # Errors
/// When the database cannot be written.
pub async fn fail_lapsed(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "update sync_jobs set status = 'failed', success = false, completed_at = greatest($2, started_at),
             exclusive_key = null, error = $3
         where status = 'running' and (heartbeat_at < clock_timestamp() - make_interval(secs => $1)) is not false
         returning id",
        LEASE.as_secs_f64(),
        now,
        format!("{INTERRUPTED}: the worker died")
    )
    .fetch_all(pool)
    .await
}

/// Asks a running job to end; `false` when there is no such job.
///
/// # Errors
/// When the database cannot be written.
pub async fn request_cancel(pool: &PgPool, id: Uuid) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("update sync_jobs set cancel_requested = true where id = $1 and status = 'running'", id)
            .execute(pool)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// One job.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<Job>> {
    sqlx::query_as!(
        Job,
        "select id, script, provider, sync_type, status, started_at, completed_at, output, error, success, progress
         from sync_jobs where id = $1",
        id
    )
    .fetch_optional(pool)
    .await
}

/// The newest job of a script.
///
/// # Errors
/// When the database cannot be read.
pub async fn last(pool: &PgPool, script: &str) -> sqlx::Result<Option<Job>> {
    sqlx::query_as!(
        Job,
        "select id, script, provider, sync_type, status, started_at, completed_at, output, error, success, progress
         from sync_jobs where script = $1 order by started_at desc, id limit 1",
        script
    )
    .fetch_optional(pool)
    .await
}

/// Removes ended jobs that began before a moment.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(pool: &PgPool, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from sync_jobs where status <> 'running' and started_at < $1", before)
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}
