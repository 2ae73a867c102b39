//! `scheduler_jobs`: jobs that administrators run or schedule (ledger.md §2.2).

use chrono::{DateTime, TimeZone, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::domain::pullers::{Puller, Script};

/// A row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PullerRow {
    /// Its id.
    pub id: i32,
    /// What is set.
    pub puller: Puller,
    /// When it last began.
    pub last_run: Option<DateTime<Utc>>,
    /// How that stands: `Running`, `Success`, `Failure`, `Timeout`, `Error` or `Cancelled`.
    pub last_status: Option<String>,
    /// Moments of the schedule up to this one are done, or were due before anybody had asked for them.
    pub done_until: DateTime<Utc>,
    /// Its newest run; none where it never ran here.
    pub run_id: Option<Uuid>,
    /// When that ended.
    pub run_ended_at: Option<DateTime<Utc>>,
}

impl PullerRow {
    /// When it is due after `now`; none where nothing runs by itself.
    pub fn next<Z: TimeZone>(&self, now: &DateTime<Z>) -> Option<DateTime<Z>> {
        let is_followed = self.puller.enabled && self.puller.script().is_some();
        self.puller.cron().filter(|_| is_followed)?.next(now)
    }
}

/// Columns as they are read.
struct Columns {
    id: i32,
    job_name: String,
    script_path: String,
    schedule_cron: Option<String>,
    enabled: bool,
    description: Option<String>,
    last_run: Option<DateTime<Utc>>,
    last_status: Option<String>,
    done_until: DateTime<Utc>,
    run_id: Option<Uuid>,
    run_ended_at: Option<DateTime<Utc>>,
}

impl From<Columns> for PullerRow {
    fn from(row: Columns) -> Self {
        Self {
            id: row.id,
            puller: Puller {
                job_name: row.job_name,
                script_path: row.script_path,
                schedule_cron: row.schedule_cron,
                enabled: row.enabled,
                description: row.description,
            },
            last_run: row.last_run,
            last_status: row.last_status,
            done_until: row.done_until,
            run_id: row.run_id,
            run_ended_at: row.run_ended_at,
        }
    }
}

/// All jobs, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(pool: &PgPool) -> sqlx::Result<Vec<PullerRow>> {
    read(pool, None).await
}

/// One job.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(executor: impl PgExecutor<'_>, id: i32) -> sqlx::Result<Option<PullerRow>> {
    Ok(read(executor, Some(id)).await?.pop())
}

async fn read(executor: impl PgExecutor<'_>, id: Option<i32>) -> sqlx::Result<Vec<PullerRow>> {
    let rows = sqlx::query_as!(
        Columns,
        r#"select j.id, j.job_name, j.script_path, j.schedule_cron, j.enabled, j.description, j.last_run, j.last_status,
            j.done_until, r.id as "run_id?", r.ended_at as run_ended_at
         from scheduler_jobs j
         left join lateral (select id, ended_at from scheduler_runs where job_id = j.id order by started_at desc, id limit 1) r
            on true
         where $1::integer is null or j.id = $1
         order by lower(j.job_name), j.id"#,
        id
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(PullerRow::from).collect())
}

/// Reads a job and keeps others from changing, starting or removing it until the transaction ends.
///
/// # Errors
/// When the database cannot be read.
pub async fn hold(tx: &mut PgConnection, id: i32) -> sqlx::Result<Option<PullerRow>> {
    sqlx::query_scalar!("select id from scheduler_jobs where id = $1 for update", id)
        .fetch_optional(&mut *tx)
        .await?;
    find(tx, id).await
}

/// Adds a job; its id, or none where another has its name.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(
    executor: impl PgExecutor<'_>,
    puller: &Puller,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar!(
        "insert into scheduler_jobs (job_name, script_path, schedule_cron, enabled, description, done_until)
         values ($1, $2, $3, $4, $5, $6) on conflict (job_name) do nothing returning id",
        puller.job_name,
        puller.script_path,
        puller.schedule_cron,
        puller.enabled,
        puller.description,
        now
    )
    .fetch_optional(executor)
    .await
}

/// Stores what is set of a job. False where another has its name. `since`: moments of the schedule before it are not made up
/// for.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(
    tx: &mut PgConnection,
    id: i32,
    puller: &Puller,
    since: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update scheduler_jobs set job_name = $2, script_path = $3, schedule_cron = $4, enabled = $5, description = $6,
            done_until = $7
         where id = $1 and not exists (select from scheduler_jobs where job_name = $2 and id <> $1)",
        id,
        puller.job_name,
        puller.script_path,
        puller.schedule_cron,
        puller.enabled,
        puller.description,
        since
    )
    .execute(tx)
    .await;
    match done {
        Ok(done) => Ok(done.rows_affected() > 0),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a job and the history of its runs.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(tx: &mut PgConnection, id: i32) -> sqlx::Result<()> {
    sqlx::query!("delete from scheduler_jobs where id = $1", id).execute(tx).await?;
    Ok(())
}

/// What the last run of a job said, as the original keeps it: also of runs from before an import.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_log(pool: &PgPool, id: i32) -> sqlx::Result<Option<String>> {
    let found = sqlx::query_scalar!("select last_run_log from scheduler_jobs where id = $1", id)
        .fetch_optional(pool)
        .await?;
    Ok(found.flatten())
}

/// Adds the sample of `init_db --create-sample-data` (ledger.md §10.2), switched off; false where there is one of its name.
///
/// # Errors
/// When the database cannot be written.
pub async fn create_sample_job(executor: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let sample = Puller {
        job_name: "Diagnostic: Test Codex Connectivity".to_owned(),
        script_path: Script::SyncFromCodex.name().to_owned(),
        schedule_cron: Some("0 */12 * * *".to_owned()),
        enabled: false,
        description: Some("Counts the companies, devices and people of Codex.".to_owned()),
    };
    Ok(add(executor, &sample, now).await?.is_some())
}
