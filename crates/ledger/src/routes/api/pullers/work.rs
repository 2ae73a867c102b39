//! What the JSON routes and the pages do to the administrators' jobs, each change with who made it.

use hivematrix_shared::{audit, problem::Problem};
use http::StatusCode;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::{invalid, missing};
use crate::{
    Ledger,
    domain::{changes::Invalid, pullers::Puller},
    jobs::pullers::{self as running, NotStarted},
    store::{
        pullers::{self, PullerRow},
        runs,
    },
};

/// Why nothing was done.
#[derive(Debug)]
pub(in crate::routes) enum Refused {
    /// There is no such job.
    Missing,
    /// What is wrong with each member.
    Invalid(Invalid),
    /// Not now, in words.
    Conflict(String),
    /// It failed.
    Failed(Problem),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Missing => missing("There is no such job"),
            Refused::Invalid(fault) => invalid(&fault),
            Refused::Conflict(text) => Self::new(StatusCode::CONFLICT).error(text),
            Refused::Failed(problem) => problem,
        }
    }
}

type Done<T> = Result<T, Refused>;

/// A job that must be there.
pub(in crate::routes) async fn found(ledger: &Ledger, id: i32) -> Done<PullerRow> {
    pullers::find(&ledger.pool, id).await?.ok_or(Refused::Missing)
}

fn name_taken() -> Refused {
    let fault = ("job_name".to_owned(), "is the name of another job".to_owned());
    Refused::Invalid(Invalid([fault].into()))
}

/// Adds a job; its id.
pub(in crate::routes) async fn add(ledger: &Ledger, by: &str, members: &Map<String, Value>) -> Done<i32> {
    let clock = &ledger.context.clock;
    let mut puller = Puller::default();
    puller.change(members, &clock.local()).map_err(Refused::Invalid)?;
    let id = pullers::add(&ledger.pool, &puller, clock.now()).await?.ok_or_else(name_taken)?;
    audit!(user = by, job = puller.job_name, script = puller.script_path, "Job added");
    Ok(id)
}

/// Changes the given members of a job. Moments of a schedule that was not followed are not made up for.
pub(in crate::routes) async fn change(
    ledger: &Ledger,
    by: &str,
    id: i32,
    members: &Map<String, Value>,
) -> Done<Puller> {
    let clock = &ledger.context.clock;
    let mut tx = ledger.pool.begin().await?;
    let row = pullers::hold(&mut tx, id).await?.ok_or(Refused::Missing)?;
    let mut puller = row.puller.clone();
    puller.change(members, &clock.local()).map_err(Refused::Invalid)?;
    let is_asked_anew = puller.schedule_cron != row.puller.schedule_cron || !row.puller.enabled;
    let since = if is_asked_anew { clock.now() } else { row.done_until };
    if !pullers::save(&mut tx, id, &puller, since).await? {
        return Err(name_taken());
    }
    tx.commit().await?;
    audit!(
        user = by,
        job = puller.job_name,
        script = puller.script_path,
        schedule = puller.schedule_cron,
        enabled = puller.enabled,
        "Job changed"
    );
    Ok(puller)
}

/// Removes a job that does not run, with the history of its runs; its name.
pub(in crate::routes) async fn remove(ledger: &Ledger, by: &str, id: i32) -> Done<String> {
    let mut tx = ledger.pool.begin().await?;
    let row = pullers::hold(&mut tx, id).await?.ok_or(Refused::Missing)?;
    if row.last_status.as_deref() == Some("Running") {
        return Err(Refused::Conflict("This job is running; cancel it first".to_owned()));
    }
    pullers::remove(&mut tx, id).await?;
    tx.commit().await?;
    audit!(user = by, job = row.puller.job_name, "Job deleted");
    Ok(row.puller.job_name)
}

/// Starts a job in the background; the id of the run.
pub(in crate::routes) async fn start(ledger: &Ledger, by: &str, id: i32) -> Done<Uuid> {
    match running::start(ledger, id, by).await {
        Ok(run) => {
            audit!(user = by, job = id, run = %run, "Job started");
            Ok(run)
        }
        Err(NotStarted::Missing) => Err(Refused::Missing),
        Err(NotStarted::Database(error)) => Err(error.into()),
        Err(error) => Err(Refused::Conflict(error.to_string())),
    }
}

/// Asks the run of a job to end; its id.
pub(in crate::routes) async fn cancel(ledger: &Ledger, by: &str, id: i32) -> Done<Uuid> {
    found(ledger, id).await?;
    let run = runs::cancel(&ledger.pool, id, by).await?;
    let run = run.ok_or_else(|| Refused::Conflict("This job is not running".to_owned()))?;
    audit!(user = by, job = id, run = %run, "Job cancelled");
    Ok(run)
}
