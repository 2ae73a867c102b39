//! The history of syncs and what runs now (codex-api.md §8.2; codex-pages.md §10).

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::TechnicianOnly,
    extract::{Json, LenientQuery, Path},
    pages::format::iso_z,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::refusals::ForTechnicians;
use crate::{
    Codex,
    domain::{
        listing::{MAX_PER_PAGE, Pagination},
        sync_progress::{self, Before, Step},
    },
    jobs::told_sync_type,
    store::sync_history::{self, Filter, Run},
};

/// Errors shown with a run.
const ERRORS: i64 = 500;
/// Runs on a page unless asked for otherwise.
const PER_PAGE: i64 = 20;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(running)).routes(routes!(one))
}

/// Which runs, and which page of them.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ListQuery {
    /// `psa`, `rmm`, `keycloak_agents`, `create-account-numbers`, `push-to-datto`, `clear-data`.
    script: Option<String>,
    /// Name of the provider.
    provider: Option<String>,
    /// `running`, `completed`, `failed`, `cancelled`, or `errors`: completed with single items that failed.
    status: Option<String>,
    /// Whether the scheduled ticket syncs that went well, one every few minutes, are listed as well.
    light: Option<bool>,
    /// Page, from 1.
    page: Option<i64>,
    /// Runs on a page: 20 unless given, at most 500.
    per_page: Option<i64>,
}

/// A run, without what it wrote.
#[derive(Serialize, ToSchema)]
pub struct RunItem {
    id: Uuid,
    /// Name for people, such as `[Freshservice] Tickets`.
    pub name: String,
    script: String,
    provider: Option<String>,
    sync_type: Option<String>,
    /// `running`, `completed` or `failed`.
    status: String,
    /// `running`, `success`, `errors`, `failed` or `cancelled`.
    pub outcome: &'static str,
    /// When it began.
    pub started_at: String,
    completed_at: Option<String>,
    /// How long it took, or has been running.
    pub duration_seconds: i64,
    error: Option<String>,
    success: Option<bool>,
    /// Who asked for it; `scheduler` when nobody did.
    requested_by: Option<String>,
    cancel_requested: bool,
    /// `phase`, `page` and `counts`.
    #[schema(value_type = Option<Object>)]
    progress: Option<Value>,
    /// Items so far, of the part it is at where that part's size is known.
    done: u64,
    /// Items of that part, else those of the last run of this kind, which this one will have too, about; while it runs.
    total: Option<u64>,
    /// Seconds until the end, about; while it runs.
    seconds_left: Option<u64>,
    /// Rows that were patched or left out.
    warnings: u64,
}

impl RunItem {
    fn of(run: &Run, now: DateTime<Utc>) -> Self {
        let end = run.completed_at.unwrap_or(now);
        Self {
            id: run.id,
            name: name(&run.script, run.provider.as_deref(), run.sync_type.as_deref()),
            script: run.script.clone(),
            provider: run.provider.clone(),
            sync_type: run.sync_type.clone().map(told_sync_type),
            status: run.status.clone(),
            outcome: outcome(&run.status, run.success, run.error.as_deref()),
            started_at: iso_z(run.started_at),
            completed_at: run.completed_at.map(iso_z),
            duration_seconds: (end - run.started_at).num_seconds().max(0),
            error: run.error.clone(),
            success: run.success,
            requested_by: run.requested_by.clone(),
            cancel_requested: run.cancel_requested,
            done: sync_progress::items(run.progress.as_ref()),
            warnings: sync_progress::warnings(run.progress.as_ref()),
            progress: run.progress.clone(),
            total: None,
            seconds_left: None,
        }
    }

    /// With an estimate while it runs.
    async fn estimated(codex: &Codex, run: &Run) -> Result<Self> {
        let mut item = Self::of(run, codex.context.clock.now());
        if run.status != "running" {
            return Ok(item);
        }
        if let Some(step) = Step::of(run.progress.as_ref()) {
            item.done = step.done;
            (item.total, item.seconds_left) = (Some(step.total), step.seconds_left());
        } else if let Some((progress, seconds)) = sync_history::before(&codex.pool, run).await? {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run")]
            let seconds = seconds.max(0.0) as u64;
            let before = Before { items: sync_progress::items(progress.as_ref()), seconds };
            let elapsed = u64::try_from(item.duration_seconds).unwrap_or(0);
            if let Some(estimate) = sync_progress::estimate(item.done, elapsed, Some(before)) {
                (item.total, item.seconds_left) = (Some(estimate.total), Some(estimate.seconds_left));
            }
        }
        Ok(item)
    }
}

/// How a run went: `running`, `success`, `errors`, `failed` or `cancelled`. It may have been completed without single items.
pub fn outcome(status: &str, success: Option<bool>, error: Option<&str>) -> &'static str {
    match (status, success, error) {
        ("running", ..) => "running",
        ("completed", Some(false), _) => "errors",
        ("completed", ..) => "success",
        (_, _, Some("cancelled")) => "cancelled",
        _ => "failed",
    }
}

/// The name of a kind of run for people.
pub fn name(script: &str, provider: Option<&str>, sync_type: Option<&str>) -> String {
    let vendor = match provider {
        Some("freshservice") => "Freshservice",
        Some("superops") => "SuperOps",
        Some("datto") => "Datto",
        Some(other) => other,
        None => "",
    };
    let what = match (script, sync_type) {
        ("keycloak_agents", _) => return "[Keycloak] Agents".to_owned(),
        ("clear-data", _) => return "Clear Data".to_owned(),
        ("create-account-numbers", _) => return "Create Account Numbers".to_owned(),
        ("push-to-datto", _) => return "Push Account Numbers to RMM".to_owned(),
        (_, Some("tickets")) => "Tickets",
        (_, Some("tickets-detail")) => "Tickets with details",
        (_, Some("tickets-full")) => "Tickets, full comparison",
        (_, Some("companies")) => "Companies",
        (_, Some("contacts")) => "Contacts",
        (_, Some("agents")) => "Agents",
        _ => "Sync",
    };
    if vendor.is_empty() { format!("{script} {what}") } else { format!("[{vendor}] {what}") }
}

/// A page of runs.
#[derive(Serialize, ToSchema)]
struct Runs {
    success: bool,
    jobs: Vec<RunItem>,
    pagination: Pagination,
}

/// Runs, newest first. Values of the wrong type are ignored.
#[utoipa::path(get, path = "/api/sync/jobs", tag = "sync", params(ListQuery), responses(
    (status = 200, body = Runs), ForTechnicians
))]
async fn list(
    State(codex): State<Codex>,
    _: TechnicianOnly,
    LenientQuery(query): LenientQuery<ListQuery>,
) -> Result<Json<Runs>> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (script, provider, status) = (filled(&query.script), filled(&query.provider), filled(&query.status));
    let filter = Filter {
        script: script.as_deref(),
        provider: provider.as_deref(),
        status: status.as_deref(),
        light: query.light.unwrap_or(true),
    };
    let per_page = query.per_page.filter(|number| *number >= 1).unwrap_or(PER_PAGE).min(MAX_PER_PAGE);
    let page = query.page.unwrap_or(1).max(1);
    let offset = (page - 1).saturating_mul(per_page);
    let found = sync_history::page(&codex.pool, &filter, per_page, offset).await?;
    let now = codex.context.clock.now();
    let pagination = Pagination::at(page, per_page, found.total);
    let jobs = found.items.iter().map(|run| RunItem::of(run, now)).collect();
    Ok(Json(Runs { success: true, jobs, pagination }))
}

/// A run with all it wrote.
#[derive(Serialize, ToSchema)]
struct WholeRun {
    #[serde(flatten)]
    item: RunItem,
    /// The last lines, up to 20,000 characters.
    output: Option<String>,
    /// Rows that could not be taken as they are.
    errors: Vec<String>,
    /// How many there are in all.
    errors_total: i64,
}

impl WholeRun {
    async fn of(codex: &Codex, run: Run) -> Result<Self> {
        let errors = sync_history::errors(&codex.pool, run.id, ERRORS).await?;
        Ok(Self {
            item: RunItem::estimated(codex, &run).await?,
            output: run.output,
            errors: errors.items,
            errors_total: errors.total,
        })
    }
}

/// One run, with its log, its errors and, while it runs, an estimate.
#[utoipa::path(get, path = "/api/sync/jobs/{job_id}", tag = "sync", params(("job_id" = String, Path, description = "Id of the job")), responses(
    (status = 200, body = WholeRun), (status = 404, description = "No such job"), ForTechnicians
))]
async fn one(
    State(codex): State<Codex>,
    _: TechnicianOnly,
    Path(job_id): Path<String>,
) -> Result<Json<WholeRun>> {
    let run = match Uuid::parse_str(&job_id) {
        Ok(id) => sync_history::get(&codex.pool, id).await?,
        Err(_) => None,
    };
    let run = run.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND).error("Job not found"))?;
    WholeRun::of(&codex, run).await.map(Json)
}

/// A running one with what it has written so far.
#[derive(Serialize, ToSchema)]
struct RunningRun {
    #[serde(flatten)]
    item: RunItem,
    /// The last lines, up to 20,000 characters.
    output: Option<String>,
    /// How many rows could not be taken as they are; the run by itself has their texts.
    errors_total: i64,
}

/// What runs now.
#[derive(Serialize, ToSchema)]
struct RunningNow {
    success: bool,
    jobs: Vec<RunningRun>,
}

/// All that run now, whoever started them, with log and estimate.
#[utoipa::path(get, path = "/api/sync/running", tag = "sync", responses((status = 200, body = RunningNow), ForTechnicians))]
async fn running(State(codex): State<Codex>, _: TechnicianOnly) -> Result<Json<RunningNow>> {
    let mut jobs = Vec::new();
    for (run, errors_total) in sync_history::running(&codex.pool).await? {
        let item = RunItem::estimated(&codex, &run).await?;
        jobs.push(RunningRun { item, output: run.output, errors_total });
    }
    Ok(Json(RunningNow { success: true, jobs }))
}
