//! `scheduler_runs`: the runs of the jobs that administrators run or schedule, the newest of each.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::pullers::Status;

/// Runs of one job that are kept.
pub const KEPT: i64 = 50;

/// A run that is to begin.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// Its id.
    pub id: Uuid,
    /// Of which job.
    pub job_id: i32,
    /// What runs.
    pub script: &'a str,
    /// A person, or `scheduler`.
    pub by: &'a str,
    /// The moment of the schedule; none where a person starts it.
    pub due_at: Option<DateTime<Utc>>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Notes that a job runs, and with it that its schedule is done until now. False when it runs already, or that moment of the
/// schedule has been run.
///
/// # Errors
/// When the database cannot be written.
pub async fn begin(tx: &mut PgConnection, run: &NewRun<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into scheduler_runs (id, job_id, script_path, triggered_by, due_at, started_at, status)
         values ($1, $2, $3, left($4, 255), $5, $6, 'Running') on conflict do nothing",
        run.id,
        run.job_id,
        run.script,
        run.by,
        run.due_at,
        run.now
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        // A moment that has been run already, as after a clock that was set back, is not asked for again.
        sqlx::query!(
            "update scheduler_jobs set done_until = greatest(done_until, $2) where id = $1 and exists
                (select from scheduler_runs where job_id = $1 and due_at = $2)",
            run.job_id,
            run.due_at
        )
        .execute(tx)
        .await?;
        return Ok(false);
    }
    sqlx::query!(
        "update scheduler_jobs set last_run = $2, last_status = 'Running', last_run_log = null,
            done_until = case when $3 then greatest(done_until, $2) else done_until end
         where id = $1",
        run.job_id,
        run.now,
        run.due_at.is_some()
    )
    .execute(tx)
    .await?;
    Ok(true)
}

/// Writes what a run has said so far, and reads who wants it to end. `None`: it has been ended by others.
///
/// # Errors
/// When the database cannot be written.
pub async fn look(pool: &PgPool, id: Uuid, news: Option<&str>) -> sqlx::Result<Option<Option<String>>> {
    match news {
        Some(log) => sqlx::query_scalar!(
            "update scheduler_runs set log = $2 where id = $1 and status = 'Running' returning cancelled_by",
            id,
            log
        )
        .fetch_optional(pool)
        .await,
        None => {
            sqlx::query_scalar!(
                "select cancelled_by from scheduler_runs where id = $1 and status = 'Running'",
                id
            )
            .fetch_optional(pool)
            .await
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct End<'a> {
    /// How.
    pub status: Status,
    /// Of the command that does the same.
    pub exit_code: Option<i32>,
    /// What it said; none leaves what was written last.
    pub log: Option<&'a str>,
    /// A line below it.
    pub note: &'a str,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Ends a run, and forgets the oldest ones of its job. False where others have ended it.
///
/// # Errors
/// When the database cannot be written.
pub async fn end(tx: &mut PgConnection, id: Uuid, end: &End<'_>) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        "update scheduler_runs set status = $2, exit_code = $3, log = coalesce($4, log) || $5, ended_at = $6
         where id = $1 and status = 'Running' returning job_id, log",
        id,
        end.status.name(),
        end.exit_code,
        end.log,
        end.note,
        end.now
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(ended) = ended else { return Ok(false) };
    sqlx::query!(
        "update scheduler_jobs set last_status = $2, last_run_log = $3 where id = $1",
        ended.job_id,
        end.status.name(),
        ended.log
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from scheduler_runs where job_id = $1 and status <> 'Running' and id not in
            (select id from scheduler_runs where job_id = $1 order by started_at desc, id limit $2)",
        ended.job_id,
        KEPT
    )
    .execute(tx)
    .await?;
    Ok(true)
}

/// Asks the run of a job to end; its id, or none where the job does not run.
///
/// # Errors
/// When the database cannot be written.
pub async fn cancel(pool: &PgPool, job_id: i32, by: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "update scheduler_runs set cancelled_by = coalesce(cancelled_by, left($2, 255))
         where job_id = $1 and status = 'Running' returning id",
        job_id,
        by
    )
    .fetch_optional(pool)
    .await
}

/// Runs that are noted as being at work, by whomever.
///
/// # Errors
/// When the database cannot be read.
pub async fn running(pool: &PgPool) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from scheduler_runs where status = 'Running'").fetch_all(pool).await
}

/// A run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: Uuid,
    /// What ran.
    pub script_path: String,
    /// A person, or `scheduler`.
    pub triggered_by: String,
    /// The moment of the schedule; none where a person started it.
    pub due_at: Option<DateTime<Utc>>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it stands.
    pub status: String,
    /// Of the command that does the same.
    pub exit_code: Option<i32>,
    /// Who wanted it to end.
    pub cancelled_by: Option<String>,
}

impl RunRow {
    /// Whole seconds from its beginning to its end, or to now.
    pub fn seconds(&self, now: DateTime<Utc>) -> i64 {
        (self.ended_at.unwrap_or(now) - self.started_at).num_seconds().max(0)
    }
}

/// Runs of a job, the newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(pool: &PgPool, job_id: i32, limit: i64, offset: i64) -> sqlx::Result<Vec<RunRow>> {
    sqlx::query_as!(
        RunRow,
        "select id, script_path, triggered_by, due_at, started_at, ended_at, status, exit_code, cancelled_by
         from scheduler_runs where job_id = $1 order by started_at desc, id limit $2 offset $3",
        job_id,
        limit,
        offset
    )
    .fetch_all(pool)
    .await
}

/// One run of a job, and what it said.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(pool: &PgPool, job_id: i32, id: Uuid) -> sqlx::Result<Option<(RunRow, String)>> {
    let row = sqlx::query!(
        "select id, script_path, triggered_by, due_at, started_at, ended_at, status, exit_code, cancelled_by, log
         from scheduler_runs where job_id = $1 and id = $2",
        job_id,
        id
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| {
        let run = RunRow {
            id: row.id,
            script_path: row.script_path,
            triggered_by: row.triggered_by,
            due_at: row.due_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            status: row.status,
            exit_code: row.exit_code,
            cancelled_by: row.cancelled_by,
        };
        (run, row.log)
    }))
}
