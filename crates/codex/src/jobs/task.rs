//! Jobs that need no vendor, with the same row, progress and end.

use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span, info_span};
use uuid::Uuid;

use super::{Outcome, StartError, SyncService, worker};
use crate::store::sync_jobs::{self, NewJob};
use crate::sync::{Report, SyncError};

/// How a task went that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All of it.
    Whole,
    /// Single items failed; the job ends `completed` without success.
    WithErrors,
}

impl SyncService {
    /// Starts a job of `script`, alone in its kind, which may take as long as `limit`. The handle ends with it; dropping the handle stops nothing.
    ///
    /// # Errors
    /// When one of the kind runs.
    pub async fn start_task<F>(
        &self,
        script: &'static str,
        limit: Duration,
        requested_by: &str,
        work: impl FnOnce(Report) -> F,
    ) -> Result<(Uuid, JoinHandle<Outcome>), StartError>
    where
        F: Future<Output = Result<Done, SyncError>> + Send + 'static,
    {
        let new = NewJob { script, provider: None, sync_type: None, exclusive_key: script, requested_by };
        let started = sync_jobs::start(&self.inner.pool, &new, self.inner.clock.now()).await?;
        let id = started.map_err(StartError::from)?;
        let report = Report::new(self.inner.clock.clone(), false);
        let (pool, clock) = (self.inner.pool.clone(), self.inner.clock.clone());
        let job = worker::Job { id, pool, clock, report: report.clone(), limit };
        let (work, shutdown) = (work(report), self.inner.shutdown.clone());
        let run = async move { worker::run(&job, work, &shutdown).await };
        let request = Span::current();
        let span = if request.is_none() { info_span!("request", correlation_id = %id) } else { request };
        Ok((id, self.inner.jobs.spawn(run.instrument(span))))
    }
}
