//! How far each provider has been read: the row a run starts from, keeps while it works and leaves behind.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::providers::PageRef;

/// Kind of the ticket list phase, whatever its reach.
pub const TICKETS: &str = "tickets";
/// Kind that records when the vendor last reported a change by itself. Kept apart from the syncs, so that events cannot
/// hide that those have stopped.
pub const EVENTS: &str = "events";
/// Kind that records when all tickets were last compared with the vendor.
pub const TICKETS_FULL: &str = "tickets-full";

/// What is known about one kind of data of one provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SyncState {
    /// Start of the last successful run; everything the vendor changed before is stored.
    pub high_water_mark: Option<DateTime<Utc>>,
    /// End of the last successful run.
    pub last_completed_at: Option<DateTime<Utc>>,
    /// The run that was begun and has not ended.
    pub unfinished: Option<TicketRun>,
}

/// A ticket list run, as it is kept between pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketRun {
    /// Names the run's rows in `sync_seen`.
    pub id: Uuid,
    /// Whether all tickets are read, so that those not met may be gone.
    pub full: bool,
    /// The vendor is asked for what changed since then.
    pub since: DateTime<Utc>,
    /// When the run began.
    pub started_at: DateTime<Utc>,
    /// The vendor's time then, where it told: its clock may be behind ours.
    #[serde(default)]
    pub vendor_time: Option<DateTime<Utc>>,
    /// The page to read next.
    pub page: PageRef,
}

impl TicketRun {
    /// Everything the vendor changed before is stored once the run has succeeded, by whichever clock is behind. A clock that
    /// is a day behind is none to go by: every run would read everything.
    pub fn mark(&self) -> DateTime<Utc> {
        let believed = self.vendor_time.filter(|time| self.started_at - time < TimeDelta::days(1));
        believed.map_or(self.started_at, |time| time.min(self.started_at))
    }
}

/// The state of one kind, empty when it was never synced.
///
/// # Errors
/// When the database cannot be read.
pub async fn load(pool: &PgPool, provider: &str, kind: &str) -> sqlx::Result<SyncState> {
    let row = sqlx::query!(
        "select high_water_mark, last_completed_at, cursor from sync_state where provider = $1 and kind = $2",
        provider,
        kind
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map_or_else(SyncState::default, |row| SyncState {
        high_water_mark: row.high_water_mark,
        last_completed_at: row.last_completed_at,
        // A cursor that another version wrote and this one cannot read only means to start again.
        unfinished: row.cursor.and_then(|cursor| serde_json::from_value(cursor).ok()),
    }))
}

/// Keeps where a run goes on; part of the transaction that stores the page before.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep(conn: &mut PgConnection, provider: &str, kind: &str, run: &TicketRun) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sync_state (provider, kind, cursor) values ($1, $2, $3)
         on conflict (provider, kind) do update set cursor = excluded.cursor",
        provider,
        kind,
        sqlx::types::Json(run) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records a successful run that began at `high_water_mark`.
///
/// # Errors
/// When the database cannot be written.
pub async fn finish(
    conn: &mut PgConnection,
    provider: &str,
    kind: &str,
    high_water_mark: DateTime<Utc>,
    completed_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sync_state (provider, kind, high_water_mark, last_completed_at) values ($1, $2, $3, $4)
         on conflict (provider, kind) do update set
             high_water_mark = excluded.high_water_mark,
             last_completed_at = excluded.last_completed_at,
             cursor = null",
        provider,
        kind,
        high_water_mark,
        completed_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes which tickets a full run has met.
///
/// # Errors
/// When the database cannot be written.
pub async fn saw(conn: &mut PgConnection, run: Uuid, ids: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sync_seen (run_id, external_id) select $1, unnest($2::bigint[]) on conflict do nothing",
        run,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops the notes of runs that will not go on.
///
/// # Errors
/// When the database cannot be written.
pub async fn forget_runs(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from sync_seen where not exists (select from sync_state where cursor ->> 'id' = run_id::text)"
    )
    .execute(conn)
    .await?;
    Ok(())
}
