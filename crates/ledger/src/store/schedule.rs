//! `scheduled_snapshots`: when the month is archived by itself (ledger.md §7.5). One row is used.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::domain::schedule::Schedule;

/// The row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScheduleRow {
    /// Its id.
    pub id: i32,
    /// What is set.
    pub schedule: Schedule,
    /// When it last ran.
    pub last_run_at: Option<DateTime<Utc>>,
    /// How that ended: `success`, `partial` or `failed`.
    pub last_run_status: Option<String>,
    /// How many bills it archived.
    pub last_run_count: i32,
    /// What it said.
    pub last_run_log: Option<String>,
    /// When the settings were last changed: a run that was due before is not caught up.
    pub since: DateTime<Utc>,
}

/// Reads it; none where somebody removed the row.
///
/// # Errors
/// When the database cannot be read.
pub async fn load(executor: impl PgExecutor<'_>) -> sqlx::Result<Option<ScheduleRow>> {
    let row = sqlx::query!(
        r#"select id, enabled, day_of_month, hour, snapshot_previous_month, snapshot_all_companies, last_run_at,
            last_run_status, last_run_count, last_run_log, coalesce(updated_at, created_at) as "since!"
         from scheduled_snapshots order by id limit 1"#
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| ScheduleRow {
        id: row.id,
        schedule: Schedule {
            enabled: row.enabled,
            day_of_month: row.day_of_month.unsigned_abs(),
            hour: row.hour.unsigned_abs(),
            previous_month: row.snapshot_previous_month,
            all_companies: row.snapshot_all_companies,
        },
        last_run_at: row.last_run_at,
        last_run_status: row.last_run_status,
        last_run_count: row.last_run_count,
        last_run_log: row.last_run_log,
        since: row.since,
    }))
}

/// Keeps others from changing it until the transaction ends.
///
/// # Errors
/// When the database cannot be asked.
pub async fn hold(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("lock table scheduled_snapshots in share row exclusive mode").execute(connection).await?;
    Ok(())
}

/// Stores the settings.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(tx: &mut PgConnection, schedule: &Schedule, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into scheduled_snapshots (created_at) select $1 where not exists (select from scheduled_snapshots)",
        now
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update scheduled_snapshots set enabled = $1, day_of_month = $2, hour = $3, snapshot_previous_month = $4,
            snapshot_all_companies = $5, updated_at = $6
         where id = (select min(id) from scheduled_snapshots)",
        schedule.enabled,
        i32::try_from(schedule.day_of_month).unwrap_or(31),
        i32::try_from(schedule.hour).unwrap_or(23),
        schedule.previous_month,
        schedule.all_companies,
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Claims a run that is due: true for one of several instances. Until it has [`ended`], it has no status.
///
/// # Errors
/// When the database cannot be written.
pub async fn claim(pool: &PgPool, row: &ScheduleRow, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update scheduled_snapshots set last_run_at = $2, last_run_status = null, last_run_count = 0, last_run_log = 'Started.'
         where id = $1 and last_run_at is not distinct from $3",
        row.id,
        now,
        row.last_run_at
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives a claim back, as it was: the run could not begin.
///
/// # Errors
/// When the database cannot be written.
pub async fn give_back(pool: &PgPool, row: &ScheduleRow) -> sqlx::Result<()> {
    sqlx::query!(
        "update scheduled_snapshots set last_run_at = $2, last_run_status = $3, last_run_count = $4, last_run_log = $5
         where id = $1",
        row.id,
        row.last_run_at,
        row.last_run_status,
        row.last_run_count,
        row.last_run_log
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether a run of the schedule for this month began within the last ten minutes, however it went.
///
/// # Errors
/// When the database cannot be read.
pub async fn has_just_tried(pool: &PgPool, year: i32, month: i32, now: DateTime<Utc>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from snapshot_jobs where job_type = 'scheduled' and target_year = $1 and target_month = $2
             and started_at > $3::timestamptz - interval '10 minutes') as "exists!""#,
        year,
        month,
        now
    )
    .fetch_one(pool)
    .await
}

/// Writes down how a run ended.
///
/// # Errors
/// When the database cannot be written.
pub async fn ended(pool: &PgPool, id: i32, status: &str, count: i32, log: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update scheduled_snapshots set last_run_status = $2, last_run_count = $3, last_run_log = $4 where id = $1",
        id,
        status,
        count,
        log
    )
    .execute(pool)
    .await?;
    Ok(())
}
