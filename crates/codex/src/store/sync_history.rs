//! The history of syncs, for people.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::Page;

/// A run as the history shows it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Job id.
    pub id: Uuid,
    /// Kind of work.
    pub script: String,
    /// Name of the provider.
    pub provider: Option<String>,
    /// Part and reach.
    pub sync_type: Option<String>,
    /// `running`, `completed`, `failed`.
    pub status: String,
    /// Begun.
    pub started_at: DateTime<Utc>,
    /// Ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// What it wrote.
    pub output: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// Outcome, once it has ended.
    pub success: Option<bool>,
    /// Phase, page and counts.
    pub progress: Option<Value>,
    /// Who asked for it.
    pub requested_by: Option<String>,
    /// Whether somebody wants it to end.
    pub cancel_requested: bool,
}

/// Which runs.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Kind of work.
    pub script: Option<&'a str>,
    /// Name of the provider.
    pub provider: Option<&'a str>,
    /// `running`, `completed`, `failed`, `cancelled`, or `errors`: completed, but with single items that failed.
    pub status: Option<&'a str>,
    /// Whether the scheduled ticket syncs that went well are among them; there is one every few minutes.
    pub light: bool,
}

/// One page, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn page(pool: &PgPool, filter: &Filter<'_>, limit: i64, offset: i64) -> sqlx::Result<Page<Run>> {
    let items = sqlx::query_as!(
        Run,
        r#"select id, script, provider, sync_type, status, started_at, completed_at, null::text as output, error, success,
               progress, requested_by, cancel_requested
           from sync_jobs
           where ($1::text is null or script = $1) and ($2::text is null or provider = $2)
               and ($3::text is null or case $3 when 'errors' then status = 'completed' and success is false
                   when 'completed' then status = 'completed' and success is not false
                   when 'cancelled' then status = 'failed' and error = 'cancelled'
                   when 'failed' then status = 'failed' and error is distinct from 'cancelled' else status = $3 end)
               and ($4 or not (requested_by = 'scheduler' and script = 'psa' and sync_type = 'tickets'
                   and status = 'completed') is true)
           order by started_at desc, id limit $5 offset $6"#,
        filter.script,
        filter.provider,
        filter.status,
        filter.light,
        limit,
        offset
    )
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sync_jobs
           where ($1::text is null or script = $1) and ($2::text is null or provider = $2)
               and ($3::text is null or case $3 when 'errors' then status = 'completed' and success is false
                   when 'completed' then status = 'completed' and success is not false
                   when 'cancelled' then status = 'failed' and error = 'cancelled'
                   when 'failed' then status = 'failed' and error is distinct from 'cancelled' else status = $3 end)
               and ($4 or not (requested_by = 'scheduler' and script = 'psa' and sync_type = 'tickets'
                   and status = 'completed') is true)"#,
        filter.script,
        filter.provider,
        filter.status,
        filter.light
    )
    .fetch_one(pool)
    .await?;
    Ok(Page { items, total })
}

/// One run with all it wrote.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<Run>> {
    sqlx::query_as!(
        Run,
        "select id, script, provider, sync_type, status, started_at, completed_at, output, error, success, progress,
             requested_by, cancel_requested
         from sync_jobs where id = $1",
        id
    )
    .fetch_optional(pool)
    .await
}

/// All that run now, oldest first, and how many rows each could not take as they were.
///
/// # Errors
/// When the database cannot be read.
pub async fn running(pool: &PgPool) -> sqlx::Result<Vec<(Run, i64)>> {
    let rows = sqlx::query!(
        r#"select id, script, provider, sync_type, status, started_at, output, progress, requested_by, cancel_requested,
             (select count(*) from sync_job_errors e where e.job_id = j.id) as "errors!"
         from sync_jobs j where status = 'running' order by started_at, id"#
    )
    .fetch_all(pool)
    .await?;
    let run = rows.into_iter().map(|row| {
        let run = Run {
            id: row.id,
            script: row.script,
            provider: row.provider,
            sync_type: row.sync_type,
            status: row.status,
            started_at: row.started_at,
            completed_at: None,
            output: row.output,
            error: None,
            success: None,
            progress: row.progress,
            requested_by: row.requested_by,
            cancel_requested: row.cancel_requested,
        };
        (run, row.errors)
    });
    Ok(run.collect())
}

/// Counts and seconds of the newest run of the same kind that went well before this one.
///
/// # Errors
/// When the database cannot be read.
pub async fn before(pool: &PgPool, run: &Run) -> sqlx::Result<Option<(Option<Value>, f64)>> {
    let found = sqlx::query!(
        r#"select progress, extract(epoch from completed_at - started_at)::float8 as "seconds!"
           from sync_jobs
           where script = $1 and provider is not distinct from $2 and sync_type is not distinct from $3
               and started_at < $4 and success and completed_at is not null
           order by started_at desc limit 1"#,
        run.script,
        run.provider,
        run.sync_type,
        run.started_at
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|row| (row.progress, row.seconds)))
}

/// Rows a run could not take as they were, and how many there are in all.
///
/// # Errors
/// When the database cannot be read.
pub async fn errors(pool: &PgPool, id: Uuid, limit: i64) -> sqlx::Result<Page<String>> {
    let items = sqlx::query_scalar!(
        "select message from sync_job_errors where job_id = $1 order by id limit $2",
        id,
        limit
    )
    .fetch_all(pool)
    .await?;
    let total =
        sqlx::query_scalar!(r#"select count(*) as "count!" from sync_job_errors where job_id = $1"#, id)
            .fetch_one(pool)
            .await?;
    Ok(Page { items, total })
}

/// End of the newest run of a script that went well.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_success(pool: &PgPool, script: &str) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("select max(completed_at) from sync_jobs where script = $1 and success", script)
        .fetch_one(pool)
        .await
}
