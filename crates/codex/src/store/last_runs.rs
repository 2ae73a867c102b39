//! How the last jobs of each kind went, for the schedule.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::sync_jobs::INTERRUPTED;

/// The newest job of one kind: when it began and how it stands.
#[derive(Debug, Clone)]
pub struct LastRun {
    /// Part and reach of the sync.
    pub sync_type: String,
    /// Begun.
    pub started_at: DateTime<Utc>,
    /// Start of the newest one that succeeded.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// Whether it was broken off by the end of its worker.
    pub interrupted: bool,
    /// Whether the one before it was broken off as well.
    pub interrupted_before: bool,
}

/// The newest job of each of these kinds of one provider. Jobs that began after `now` do not count: they are from before
/// the clock was set back. Looks at a few rows of each kind, since it is asked every second.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_kinds(
    pool: &PgPool,
    script: &str,
    provider: &str,
    kinds: &[&str],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<LastRun>> {
    sqlx::query_as!(
        LastRun,
        r#"select kind as "sync_type!", newest.started_at as "started_at!", newest.interrupted as "interrupted!",
               coalesce((select status = 'failed' and coalesce(error, '') like $5 || '%' from sync_jobs
                where script = $1 and provider = $2 and sync_type = kind and started_at <= $4
                order by started_at desc offset 1 limit 1), false) as "interrupted_before!",
               (select started_at from sync_jobs
                where script = $1 and provider = $2 and sync_type = kind and started_at <= $4 and success
                order by started_at desc limit 1) as succeeded_at
           from unnest($3::text[]) as kind, lateral (
               select started_at, status = 'failed' and coalesce(error, '') like $5 || '%' as interrupted
               from sync_jobs
               where script = $1 and provider = $2 and sync_type = kind and started_at <= $4
               order by started_at desc limit 1) as newest"#,
        script,
        provider,
        kinds as _,
        now,
        INTERRUPTED
    )
    .fetch_all(pool)
    .await
}

/// How the jobs of a script that knows no kinds went with one provider, see [`of_kinds`].
///
/// # Errors
/// When the database cannot be read.
pub async fn untyped(
    pool: &PgPool,
    script: &str,
    provider: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<LastRun>> {
    sqlx::query_as!(
        LastRun,
        r#"select '' as "sync_type!", started_at,
               status = 'failed' and coalesce(error, '') like $4 || '%' as "interrupted!",
               coalesce((select status = 'failed' and coalesce(error, '') like $4 || '%' from sync_jobs
                where script = $1 and provider = $2 and sync_type is null and started_at <= $3
                order by started_at desc offset 1 limit 1), false) as "interrupted_before!",
               (select started_at from sync_jobs
                where script = $1 and provider = $2 and sync_type is null and started_at <= $3 and success
                order by started_at desc limit 1) as succeeded_at
           from sync_jobs
           where script = $1 and provider = $2 and sync_type is null and started_at <= $3
           order by started_at desc limit 1"#,
        script,
        provider,
        now,
        INTERRUPTED
    )
    .fetch_optional(pool)
    .await
}
