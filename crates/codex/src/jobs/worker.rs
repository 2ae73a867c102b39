//! One job at work: beating, stopping when it must, and writing down how it ended.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Details, Work, detail_key, detail_limits};
use crate::store::sync_details;
use crate::store::sync_jobs::{self, Beat, Ending};
use crate::sync::{Report, Sync, SyncError};

/// Time between two signs of life; several fit into [`sync_jobs::LEASE`].
const BEAT: Duration = Duration::from_secs(2);

/// How a job ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its id.
    pub id: Uuid,
    /// Why it failed; `None` when it did not.
    pub error: Option<String>,
}

/// Does the work, and ends the job's row whatever happens.
pub(super) async fn run(id: Uuid, sync: Sync, work: Work, shutdown: &CancellationToken) -> Outcome {
    let limit = work.limit();
    let result = tokio::select! {
        result = perform(id, &sync, &work) => result,
        ended = beat(&sync.pool, id, &sync.report) => Err(ended),
        () = shutdown.cancelled() => Err(SyncError::Stopped),
        () = tokio::time::sleep(limit) => Err(SyncError::TimedOut(limit.as_secs() / 60)),
    };
    sync.report.summary();
    let error = result.err().map(|error| error.to_string());
    match &error {
        None => sync.report.line("Done"),
        // Stopping is no failure, and the work goes on after the next start.
        Some(error) if shutdown.is_cancelled() => sync.report.line(error),
        Some(error) => sync.report.error(error),
    }
    finish(id, &sync, error.as_deref()).await;
    Outcome { id, error }
}

/// Ends the row. The database may be away just now, that may even be why the job failed; then it is tried again for a
/// while, and after that the row is recognised as dead by its missing heartbeat.
async fn finish(id: Uuid, sync: &Sync, error: Option<&str>) {
    let (output, progress) = (sync.report.output(), sync.report.progress());
    let ending = Ending { error, output: &output, progress: &progress };
    for _ in 0..5 {
        match sync_jobs::finish(&sync.pool, id, &ending, sync.clock.now()).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(job_id = %id, %error, "the end of a sync job could not be stored"),
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// Shows signs of life until there is a reason to end.
async fn beat(pool: &PgPool, id: Uuid, report: &Report) -> SyncError {
    loop {
        match sync_jobs::beat(pool, id, &report.progress(), &report.output()).await {
            Ok(Beat::Alive) => {}
            Ok(Beat::CancelRequested) => return SyncError::Cancelled,
            Ok(Beat::Lost) => return SyncError::Lost,
            // The work itself notices soon enough that the database is away.
            Err(error) => tracing::debug!(job_id = %id, %error, "no heartbeat"),
        }
        tokio::time::sleep(BEAT).await;
    }
}

async fn perform(id: Uuid, sync: &Sync, work: &Work) -> Result<(), SyncError> {
    match work {
        Work::Base(parts) => sync.base(parts).await,
        Work::Tickets { reach, details } => {
            sync.tickets(*reach).await?;
            read_details(id, sync, *details).await
        }
    }
}

/// The list phase is over: the job lets the next one begin and reads details, unless another job does so already.
async fn read_details(id: Uuid, sync: &Sync, details: Details) -> Result<(), SyncError> {
    if details == Details::Skip {
        return Ok(());
    }
    let provider = sync.provider.name();
    if details == Details::Refresh {
        let now = sync.clock.now();
        sync_details::make_due(&sync.pool, provider, now - TimeDelta::hours(48), now).await?;
    }
    if !sync_jobs::change_key(&sync.pool, id, &detail_key(provider)).await? {
        sync.report.line("Details are being read by another job");
        return Ok(());
    }
    sync.details(detail_limits(details)).await
}
