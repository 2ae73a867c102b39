//! One run of a job: its work, and who looks after it meanwhile.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::audit;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Begun;
use crate::{
    Ledger,
    domain::pullers::{RunLog, Status},
    jobs::{
        held::Held,
        patience::patiently,
        scripts::{self, Listener},
    },
    store::runs::{self, End},
};

/// Between two looks at who wants the run to end, and two writings of its log.
const TICK: Duration = Duration::from_secs(1);
/// So long a run may take (ledger-pages.md §7.2).
const LIMIT: TimeDelta = TimeDelta::hours(2);
/// So long work that was told to end may take to do so by itself.
const GRACE: Duration = Duration::from_secs(60);

/// The log of a run, which its work writes and its watch stores.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<RunLog>>);

impl Log {
    fn with<T>(&self, work: impl FnOnce(&mut RunLog) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listener for Log {
    fn say(&self, line: &str) {
        self.with(|log| log.say(line));
    }

    fn progress(&self, line: &str) {
        self.say(line);
    }
}

/// Why work is told to end.
enum Why {
    Cancelled(String),
    Timeout,
    Shutdown,
    /// Others have ended the run: it is not this process' any more.
    Lost,
}

type Work = JoinHandle<anyhow::Result<bool>>;

/// Works, watches, and writes down how it ended.
pub(super) async fn carry_out(ledger: Ledger, begun: Begun) {
    let Begun { id, script, by, job, started, mut held, turn } = begun;
    let name = job.puller.job_name.as_str();
    tracing::info!(run = %id, job = name, script = script.name(), by, "a job begins");
    let (log, stop) = (Log::default(), CancellationToken::new());
    // On a task of its own: what panics there is a run that failed, and the others go on.
    let work: Work = tokio::spawn({
        let (ledger, log, stop, by) = (ledger.clone(), log.clone(), stop.clone(), by.clone());
        async move { scripts::run(script, &ledger, &by, &log, &stop).await }
    });
    let (status, exit_code) = watch(&ledger, (id, started), &mut held, work, &log, &stop).await;
    let text = log.with(|log| log.text());
    let end = End { status, exit_code, log: Some(&text), note: "", now: ledger.context.clock.now() };
    match patiently(&ledger.context.shutdown, || write_end(&ledger, id, &end)).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(run = %id, "a run had been ended by others"),
        Err(error) => tracing::error!(run = %id, %error, "the end of a run could not be written"),
    }
    audit!(user = by, job = name, run = %id, status = status.name(), "Job has run");
    held.release().await;
    drop(turn);
}

async fn write_end(ledger: &Ledger, id: Uuid, end: &End<'_>) -> sqlx::Result<bool> {
    let mut tx = ledger.pool.begin().await?;
    let is_ours = runs::end(&mut tx, id, end).await?;
    tx.commit().await?;
    Ok(is_ours)
}

/// Stores what the work says until it ends, and ends it when there is a reason.
async fn watch(
    ledger: &Ledger,
    (id, started): (Uuid, DateTime<Utc>),
    held: &mut Held,
    mut work: Work,
    log: &Log,
    stop: &CancellationToken,
) -> (Status, Option<i32>) {
    let clock = &ledger.context.clock;
    let shutdown = &ledger.context.shutdown;
    let mut why: Option<(Why, Instant)> = None;
    let mut was_away = false;
    loop {
        tokio::select! {
            done = &mut work => {
                let why = why.map(|(why, _)| why);
                return settled(done.unwrap_or_else(|error| Err(broken(&error))), why, log);
            }
            () = shutdown.cancelled(), if why.is_none() => {
                why = Some((Why::Shutdown, Instant::now()));
                stop.cancel();
                continue;
            }
            () = tokio::time::sleep(TICK) => {}
        }
        let news = log.with(RunLog::news);
        let looked = runs::look(&ledger.pool, id, news.as_deref()).await;
        was_away = match &looked {
            Ok(_) if was_away => !held.keep(&ledger.pool).await,
            looked => looked.is_err(),
        };
        if let Some((_, since)) = &why {
            if since.elapsed() > GRACE {
                work.abort();
            }
            continue;
        }
        let found = match looked {
            Ok(None) => Some(Why::Lost),
            Ok(Some(Some(by))) => Some(Why::Cancelled(by)),
            _ if clock.now() - started >= LIMIT => Some(Why::Timeout),
            Ok(Some(None)) => None,
            Err(error) => {
                tracing::warn!(run = %id, %error, "the log of a run could not be stored; it goes on");
                None
            }
        };
        if let Some(found) = found {
            why = Some((found, Instant::now()));
            stop.cancel();
        }
    }
}

fn broken(error: &tokio::task::JoinError) -> anyhow::Error {
    tracing::error!(%error, "the work of a run broke");
    anyhow::Error::new(Broken)
}

/// The work did not come to its end by itself.
#[derive(Debug, thiserror::Error)]
#[error("The work broke off; the log of the service says why.")]
struct Broken;

/// How the run ended, with the last words of its log. Work that was told to end and did all of it nevertheless is a success.
fn settled(done: anyhow::Result<bool>, why: Option<Why>, log: &Log) -> (Status, Option<i32>) {
    let told = match (done, why) {
        (Ok(true), _) => return (Status::Success, Some(0)),
        (_, Some(Why::Cancelled(by))) => (Status::Cancelled, format!("Cancelled by {by}.")),
        (_, Some(Why::Timeout)) => (Status::Timeout, "Ended: it ran for 2 hours.".to_owned()),
        (_, Some(Why::Shutdown)) => (Status::Error, "The service was stopped while the job ran.".to_owned()),
        (_, Some(Why::Lost)) => (Status::Error, "The run was ended by another instance.".to_owned()),
        (Ok(false), None) => return (Status::Failure, Some(1)),
        (Err(error), None) if error.is::<Broken>() => (Status::Error, error.to_string()),
        (Err(error), None) => {
            log.say(&format!("{error:#}"));
            return (Status::Failure, Some(1));
        }
    };
    log.say(&told.1);
    (told.0, None)
}
