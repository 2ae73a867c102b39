//! `GET /admin/pullers/log/{id}`: what a job said, while it runs and afterwards, and its last runs (ledger-pages.md §7.3).

use askama::Template;
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::AdminOnly,
    extract::{LenientQuery, Path},
    pages::{Page, flash::Flash},
    problem::{Problem, Result},
};
use serde::Deserialize;
use uuid::Uuid;

use super::view::{JobRow, StatusView, duration};
use crate::{
    Ledger,
    routes::{
        api::pullers::work,
        pages::parts::{self, Flashes, Moment},
    },
    store::{
        pullers,
        runs::{self, RunRow},
    },
};

/// Which run, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogQuery {
    run: Option<Uuid>,
}

/// A run in the history.
struct RunView {
    id: Uuid,
    started: Moment,
    by: String,
    took: String,
    status: StatusView,
    exit_code: Option<i32>,
    is_ending: bool,
}

impl RunView {
    fn of(row: &RunRow, now: DateTime<Utc>) -> Self {
        let by = match row.due_at {
            Some(_) => "the schedule".to_owned(),
            None => row.triggered_by.clone(),
        };
        Self {
            id: row.id,
            started: Moment::of(row.started_at),
            by,
            took: duration(row.seconds(now)),
            status: StatusView::of(Some(&row.status)),
            exit_code: row.exit_code,
            is_ending: row.ended_at.is_none() && row.cancelled_by.is_some(),
        }
    }
}

#[derive(Template)]
#[template(path = "admin/puller_log.html")]
struct LogPage {
    page: Page,
    flashes: Vec<Flash>,
    job: JobRow,
    /// The run that is shown; none where the job never ran here.
    run: Option<RunView>,
    log: String,
    runs: Vec<RunView>,
}

impl LogPage {
    fn is_shown(&self, run: &RunView) -> bool {
        self.run.as_ref().is_some_and(|shown| shown.id == run.id)
    }
}

/// The page: the newest run, or one of the history.
pub async fn page(
    State(ledger): State<Ledger>,
    _: AdminOnly,
    Path(id): Path<i32>,
    LenientQuery(query): LenientQuery<LogQuery>,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let (now, local) = (ledger.context.clock.now(), ledger.context.clock.local());
    // The job last: a run that is shown as ended leaves no job that still runs.
    let history = runs::list(&ledger.pool, id, runs::KEPT, 0).await?;
    let found = match query.run.or_else(|| history.first().map(|run| run.id)) {
        Some(run) => runs::find(&ledger.pool, id, run).await?,
        None => None,
    };
    if found.is_none() && query.run.is_some() {
        return Err(Problem::no_such_resource());
    }
    let (run, log) = match found {
        Some((run, log)) => (Some(RunView::of(&run, now)), log),
        // Taken over with the log of its last run.
        None => (None, pullers::last_log(&ledger.pool, id).await?.unwrap_or_default()),
    };
    let row = work::found(&ledger, id).await?;
    let has_flashes = !flashes.is_empty();
    let shown = LogPage {
        flashes,
        job: JobRow::of(row, &local),
        run,
        log,
        runs: history.iter().map(|run| RunView::of(run, now)).collect(),
        page,
    };
    parts::shown(&shown, has_flashes)
}
