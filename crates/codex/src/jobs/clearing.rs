//! Clearing data as a job: people see how far it is, and may leave.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hivematrix_shared::audit;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::task::Done;
use super::{Outcome, StartError};
use crate::Codex;
use crate::store::alone::{Alone, CLEARING};
use crate::store::clear::{self, ClearError, Cleared, DataType, Watcher};
use crate::sync::{Report, SyncError};

/// Longest it may take.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

/// A job that has begun.
pub struct Running {
    /// Its id.
    pub job_id: Uuid,
    handle: JoinHandle<Outcome>,
    ended: Arc<Mutex<Option<Result<Cleared, ClearError>>>>,
}

/// How it stands.
pub enum Clearing {
    /// Done.
    Done(Cleared),
    /// Nothing was cleared.
    Failed(Option<ClearError>),
    /// It goes on, as this job.
    GoesOn(Uuid),
}

impl Running {
    /// Waits for the end, but no longer than `patience`; it goes on in any case.
    pub async fn wait(self, patience: Duration) -> Clearing {
        if tokio::time::timeout(patience, self.handle).await.is_err() {
            return Clearing::GoesOn(self.job_id);
        }
        match self.ended.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Ok(cleared)) => Clearing::Done(cleared),
            Some(Err(error)) => Clearing::Failed(Some(error)),
            // Cancelled, or the service stops.
            None => Clearing::Failed(None),
        }
    }
}

impl Watcher for Report {
    fn copies(&self, table: &'static str, rows: u64) {
        self.at(&format!("copy {table}"), None);
        self.begin_step(rows);
    }

    fn copied(&self) {
        self.step_on();
    }

    fn decides(&self) {
        self.end_step();
        self.at("remove", None);
        self.decide();
    }
}

/// Starts clearing, while no sync runs; none begins before it has ended.
///
/// # Errors
/// When a sync runs, or somebody else has to be alone.
pub async fn start(codex: &Codex, what: DataType, caller: String) -> Result<Running, StartError> {
    let folder = codex.context.settings.service_dir().join("backups");
    let (pool, now) = (codex.pool.clone(), codex.context.clock.now());
    let alone = Alone::begin(&pool, now).await?.map_err(StartError::from)?;
    let ended = Arc::new(Mutex::new(None));
    let (told, actor) = (Arc::clone(&ended), caller.clone());
    let work = |report: Report| async move {
        report.line(format!("Clearing {}", what.as_str()));
        let result = clear::clear(&alone, &pool, what, &folder, &actor, now, &report).await;
        let outcome = match &result {
            Ok(cleared) => {
                audit!(
                    caller = actor,
                    data_type = what.as_str(),
                    backup = cleared.backup,
                    "data was cleared"
                );
                for (table, rows) in cleared.removed.iter().filter(|(_, rows)| *rows > 0) {
                    report.line(format!("{rows} rows of {table} removed"));
                }
                report.line(format!("A copy is kept as {}", cleared.backup));
                Ok(Done::Whole)
            }
            Err(error) => Err(SyncError::Incomplete(error.to_string())),
        };
        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        // Dropping it would do as well, only a little later.
        if let Err(error) = alone.end().await {
            tracing::debug!(%error, "the connection of the clearing is gone");
        }
        outcome
    };
    let (job_id, handle) = codex.sync.start_task(CLEARING, LIMIT, &caller, work).await?;
    Ok(Running { job_id, handle, ended })
}
