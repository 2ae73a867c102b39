//! One job at work: beating, stopping when it must, and writing down how it ended.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use uuid::Uuid;

use super::task::Done;
use crate::store::job_errors;
use crate::store::sync_jobs::{self, Beat, Ending};
use crate::sync::{Obeyed, Report, SyncError};

/// Time between two signs of life; several fit into [`sync_jobs::LEASE`].
const BEAT: Duration = Duration::from_secs(2);
/// As long as work that is decided may go on behind its limit with signs of life.
const OVERTIME: Duration = Duration::from_secs(600);

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
    job.report.obey(Row { pool: job.pool.clone(), id: job.id });
    let mut pulse = Pulse::begin(job).await;
    let mut work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
    let result = tokio::select! {
        result = &mut work => result,
        // Work that cannot be broken off any more comes to its end, with signs of life.
        ended = ended(job, &mut pulse, shutdown) => if job.report.is_decided() {
            work.await
        } else {
            Ok(Err(ended))
        },
    };
    drop(pulse);
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
async fn ended(job: &Job, pulse: &mut Pulse, shutdown: &CancellationToken) -> SyncError {
    tokio::select! {
        ended = pulse.reason() => ended,
        () = shutdown.cancelled() => SyncError::Stopped,
        () = tokio::time::sleep(job.limit) => SyncError::TimedOut(job.limit.as_secs() / 60),
    }
}

/// The job's row, which tells whether anybody wants the job to end.
struct Row {
    pool: PgPool,
    id: Uuid,
}

impl Obeyed for Row {
    fn wanted_end(&self) -> BoxFuture<'_, Option<SyncError>> {
        async {
            match sync_jobs::look(&self.pool, self.id).await {
                Ok(beat) => reason(beat),
                // The work itself notices soon enough that the database is away.
                Err(error) => {
                    tracing::debug!(job_id = %self.id, %error, "the row of a sync job could not be read");
                    None
                }
            }
        }
        .boxed()
    }
}

/// What a sign of life was answered with, as a reason to end.
fn reason(beat: Beat) -> Option<SyncError> {
    match beat {
        Beat::Alive => None,
        Beat::CancelRequested => Some(SyncError::Cancelled),
        Beat::Lost => Some(SyncError::Lost),
    }
}

/// Signs of life, given until this is dropped by a task of their own: a step that takes long, or that keeps its thread busy,
/// must not look like the death of the worker.
struct Pulse {
    _task: AbortOnDropHandle<()>,
    reason: mpsc::Receiver<SyncError>,
}

impl Pulse {
    async fn begin(job: &Job) -> Self {
        let (told, reason) = mpsc::channel(1);
        let beat = beat(job.pool.clone(), job.id, job.report.clone(), told);
        // Work that hangs in a thread never comes to its limit; the lease then lapses, and another may begin.
        let beat = tokio::time::timeout(job.limit + OVERTIME, beat).map(drop).in_current_span();
        let task = AbortOnDropHandle::new(tokio::spawn(beat));
        // A task that was just made waits where only this thread looks for it: work that never pauses would keep it there.
        tokio::task::yield_now().await;
        Self { _task: task, reason }
    }

    /// Waits for a reason to end.
    async fn reason(&mut self) -> SyncError {
        match self.reason.recv().await {
            Some(reason) => reason,
            // The signs of life are over: the limit has told why long before.
            None => std::future::pending().await,
        }
    }
}

/// Shows signs of life until it is ended, and passes on the first reason to end.
async fn beat(pool: PgPool, id: Uuid, report: Report, told: mpsc::Sender<SyncError>) {
    let mut written = None;
    loop {
        // The log is by far the largest part of the row, and mostly as it was.
        let output = report.output();
        let news = (written.as_ref() != Some(&output)).then_some(output.as_str());
        match sync_jobs::beat(&pool, id, &report.progress(), news).await {
            Ok(beat) => {
                written = Some(output);
                if let Some(reason) = reason(beat) {
                    // Later ones say nothing new; work that is decided goes on and needs its signs of life.
                    let _ = told.try_send(reason);
                }
            }
            // The work itself notices soon enough that the database is away.
            Err(error) => tracing::debug!(job_id = %id, %error, "no heartbeat"),
        }
        if let Err(error) = write_problems(&pool, id, &report).await {
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
