//! One job at work: beating, stopping when it must, and writing down how it ended.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::task::Done;
use crate::store::job_errors;
use crate::store::sync_jobs::{self, Beat, Ending};
use crate::sync::{Report, SyncError};

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

/// A claimed job, whatever it does.
pub(super) struct Job {
    pub(super) id: Uuid,
    pub(super) pool: PgPool,
    pub(super) clock: Clock,
    pub(super) report: Report,
    /// Longest it may take.
    pub(super) limit: Duration,
}

/// Does the work, and ends the job's row whatever happens.
pub(super) async fn run(
    job: &Job,
    work: impl Future<Output = Result<Done, SyncError>>,
    shutdown: &CancellationToken,
) -> Outcome {
    let mut work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
    let result = tokio::select! {
        result = &mut work => result,
        ended = ended(job, shutdown) => if job.report.is_decided() {
            to_its_end(job, work).await
        } else {
            Ok(Err(ended))
        },
    };
    let result = result.unwrap_or_else(|panic| Err(broken(&*panic)));
    job.report.summary();
    let partly = matches!(result, Ok(Done::WithErrors));
    match &result {
        Ok(_) => job.report.line("Done"),
        // An end that somebody wanted is no failure, and the work goes on later.
        Err(error) if error.is_wanted() || shutdown.is_cancelled() => job.report.line(error.to_string()),
        Err(error) => job.report.error(error.to_string()),
    }
    let error = result.err().map(|error| error.to_string());
    finish(job, error.as_deref(), partly).await;
    Outcome { id: job.id, error }
}

/// A fault of the program is an end as well: without one the row would be taken for that of a dead worker, and the same work
/// be started again and again.
fn broken(panic: &(dyn Any + Send)) -> SyncError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    SyncError::Incomplete(format!("a fault in the program ended the job: {}", text.unwrap_or("unknown")))
}

/// Ends the row. The database may be away just now, that may even be why the job failed; then it is tried again for a
/// while, and after that the row is recognised as dead by its missing heartbeat.
async fn finish(job: &Job, error: Option<&str>, partly: bool) {
    let (output, progress) = (job.report.output(), job.report.progress());
    let ending = Ending { error, partly, output: &output, progress: &progress };
    for _ in 0..5 {
        let written = write_problems(&job.pool, job.id, &job.report).await;
        match written.and(sync_jobs::finish(&job.pool, job.id, &ending, job.clock.now()).await) {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(job_id = %job.id, %error, "the end of a sync job could not be stored")
            }
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// A reason to end before the work is done.
async fn ended(job: &Job, shutdown: &CancellationToken) -> SyncError {
    tokio::select! {
        ended = beat(&job.pool, job.id, &job.report) => ended,
        () = shutdown.cancelled() => SyncError::Stopped,
        () = tokio::time::sleep(job.limit) => SyncError::TimedOut(job.limit.as_secs() / 60),
    }
}

/// Lets work that cannot be broken off any more come to its end, with signs of life.
async fn to_its_end<T>(job: &Job, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        never = keep_alive(job) => match never {},
    }
}

async fn keep_alive(job: &Job) -> Infallible {
    loop {
        // Whatever it says, the work goes on.
        let _ = sync_jobs::beat(&job.pool, job.id, &job.report.progress(), None).await;
        tokio::time::sleep(BEAT).await;
    }
}

/// Shows signs of life until there is a reason to end.
async fn beat(pool: &PgPool, id: Uuid, report: &Report) -> SyncError {
    let mut written = None;
    loop {
        // The log is by far the largest part of the row, and mostly as it was.
        let output = report.output();
        let news = (written.as_ref() != Some(&output)).then_some(output.as_str());
        match sync_jobs::beat(pool, id, &report.progress(), news).await {
            Ok(Beat::Alive) => written = Some(output),
            Ok(Beat::CancelRequested) => return SyncError::Cancelled,
            Ok(Beat::Lost) => return SyncError::Lost,
            // The work itself notices soon enough that the database is away.
            Err(error) => tracing::debug!(job_id = %id, %error, "no heartbeat"),
        }
        if let Err(error) = write_problems(pool, id, report).await {
            tracing::debug!(job_id = %id, %error, "problems of a sync job not written yet");
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// Adds what has gone wrong since the last time to the job's list; what cannot be written now comes with the next beat.
async fn write_problems(pool: &PgPool, id: Uuid, report: &Report) -> sqlx::Result<()> {
    let problems = report.problems();
    if problems.is_empty() {
        return Ok(());
    }
    let count = problems.len();
    job_errors::add(pool, id, &problems).await?;
    // Only now: whoever is broken off while writing must not lose them.
    report.forget_problems(count);
    Ok(())
}
