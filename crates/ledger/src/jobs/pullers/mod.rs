//! Jobs that administrators run or schedule ("pullers", ledger-pages.md §7.2): started by hand or when they are due, one run of
//! each at a time over all instances, ended when somebody wants it or it takes too long.

mod run;

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::held::{Held, is_dead};
use crate::{
    Ledger,
    domain::pullers::{Script, Status},
    store::{
        pullers::{self, PullerRow},
        runs::{self, End, NewRun},
    },
};

/// Runs of one instance at the same time: each keeps a connection to the database.
pub const AT_A_TIME: usize = 4;
/// Between two looks at what is due and at runs whose process is gone.
const LOOK: Duration = Duration::from_secs(15);
/// Who starts what is due.
const SCHEDULER: &str = "scheduler";

/// Why a run did not start.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// There is no such job.
    #[error("There is no such job")]
    Missing,
    /// The row names no job of ours.
    #[error("The script of this job is none that Ledger has; choose one of {}", Script::names())]
    Unknown,
    /// It runs.
    #[error("This job is running already")]
    Running,
    /// What this instance may run at the same time is running.
    #[error("{AT_A_TIME} jobs are running; wait for one of them to end")]
    Busy,
    /// Somebody else has done it, or it is not due any more.
    #[error("It is not due")]
    Done,
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A run that was noted as running, and what shows others that it lives.
struct Begun {
    id: Uuid,
    script: Script,
    by: String,
    job: PullerRow,
    started: DateTime<Utc>,
    held: Held,
    turn: OwnedSemaphorePermit,
}

/// Follows the schedules until the service stops.
pub async fn follow(ledger: Ledger) {
    let mut suspects = HashSet::new();
    loop {
        if let Err(error) = bury_dead(&ledger, &mut suspects).await {
            tracing::warn!(%error, "runs whose process is gone could not be looked for");
        }
        if let Err(error) = start_due(&ledger).await {
            tracing::warn!(%error, "the jobs that are due could not be started");
        }
        if ledger.context.shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

/// Runs that are noted as running and that no process holds, neither now nor at the look before, did not come to their end: when
/// the database was away, those that live hold theirs again within seconds. `suspects` are those of the look before.
///
/// # Errors
/// When the database does not answer.
pub async fn bury_dead(ledger: &Ledger, suspects: &mut HashSet<Uuid>) -> sqlx::Result<()> {
    let before = std::mem::take(suspects);
    for id in runs::running(&ledger.pool).await? {
        let mut tx = ledger.pool.begin().await?;
        if !is_dead(&mut tx, id).await? {
            continue;
        }
        if !before.contains(&id) {
            suspects.insert(id);
            continue;
        }
        let end = End {
            status: Status::Error,
            exit_code: None,
            log: None,
            note: "The service stopped while the job ran.\n",
            now: ledger.context.clock.now(),
        };
        if runs::end(&mut tx, id, &end).await? {
            tx.commit().await?;
            tracing::warn!(run = %id, "a run whose process is gone was ended");
        }
    }
    Ok(())
}

/// Starts what is due; what cannot start now is looked at again. A job that was due while it ran, or while the service was
/// down, runs once.
///
/// # Errors
/// When the database does not answer.
pub async fn start_due(ledger: &Ledger) -> sqlx::Result<()> {
    for row in pullers::list(&ledger.pool).await? {
        if row.last_status.as_deref() == Some(Status::Running.name()) || due(ledger, &row).is_none() {
            continue;
        }
        match begin(ledger, row.id, None).await {
            Ok(begun) => carry_out(ledger, begun),
            Err(NotStarted::Database(error)) => return Err(error),
            Err(NotStarted::Busy) => return Ok(()),
            Err(_) => {}
        }
    }
    Ok(())
}

/// Starts a job for a person; the id of the run.
///
/// # Errors
/// When it runs, cannot be run, is not there, or the database does not answer.
pub async fn start(ledger: &Ledger, job_id: i32, by: &str) -> Result<Uuid, NotStarted> {
    let begun = begin(ledger, job_id, Some(by)).await?;
    let id = begun.id;
    carry_out(ledger, begun);
    Ok(id)
}

/// The moment of the schedule that is still to be done.
fn due(ledger: &Ledger, row: &PullerRow) -> Option<DateTime<Utc>> {
    if !row.puller.enabled || row.puller.script().is_none() {
        return None;
    }
    row.puller.cron()?.due(row.done_until, &ledger.context.clock.local())
}

/// Notes the run of a job, for a person or because it is due. The lock, on a connection of its own, lives as long as this
/// process works on it.
async fn begin(ledger: &Ledger, job_id: i32, by: Option<&str>) -> Result<Begun, NotStarted> {
    let turn = ledger.pulling.clone().try_acquire_owned().map_err(|_| NotStarted::Busy)?;
    let id = Uuid::new_v4();
    let mut held = Held::take(&ledger.pool, id).await?;
    let mut tx = held.connection().begin().await?;
    let job = pullers::hold(&mut tx, job_id).await?.ok_or(NotStarted::Missing)?;
    let script = job.puller.script().ok_or(NotStarted::Unknown)?;
    // Asked again under the lock of the row: another instance may have been faster.
    let due_at = match by {
        Some(_) => None,
        None => Some(due(ledger, &job).ok_or(NotStarted::Done)?),
    };
    let by = by.unwrap_or(SCHEDULER).to_owned();
    let now = ledger.context.clock.now();
    let run = NewRun { id, job_id, script: script.name(), by: &by, due_at, now };
    let has_begun = runs::begin(&mut tx, &run).await?;
    tx.commit().await?;
    if !has_begun {
        return Err(NotStarted::Running);
    }
    Ok(Begun { id, script, by, job, started: now, held, turn })
}

/// Works in the background; the service waits for it a moment when it stops.
fn carry_out(ledger: &Ledger, begun: Begun) {
    ledger.context.spawn_graceful(run::carry_out(ledger.clone(), begun));
}
