//! Starting, watching and stopping syncs (codex-api.md §8.2).

use axum::extract::{FromRequestParts, State};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, Caller, StaffOnly, TechnicianOnly},
    extract::{Json, Path, Query},
    pages::format::iso_z,
    problem::{Problem, Result},
};
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::refusals::{ForAdmins, ForStaff, ForTechnicians};
use crate::{
    Codex,
    jobs::{Details, StartError, System, Work, agents, told_sync_type},
    store::sync_jobs::{self, Job},
    sync::{BasePart, Mode, Reach},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(start_base))
        .routes(routes!(start_tickets))
        .routes(routes!(start_full_history))
        .routes(routes!(start_devices))
        .routes(routes!(start_create_account_numbers))
        .routes(routes!(start_push_account_numbers))
        .routes(routes!(start_agents))
        .routes(routes!(get_status))
        .routes(routes!(get_last))
        .routes(routes!(cancel))
}

/// A caller of class TS (codex-api.md §1.1): technicians and administrators, with upstream's refusal.
pub(super) struct Technician(pub(super) Caller);

impl FromRequestParts<Codex> for Technician {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, codex: &Codex) -> Result<Self> {
        match TechnicianOnly::from_request_parts(parts, codex).await {
            Ok(TechnicianOnly(caller)) => Ok(Self(caller)),
            Err(problem) if problem.status() == StatusCode::FORBIDDEN => Err(problem
                .with("success", false)
                .with("error", "Permission denied. Technician or admin access required.")),
            Err(problem) => Err(problem),
        }
    }
}

/// A job that has begun.
#[derive(Serialize, ToSchema)]
struct Started {
    success: bool,
    job_id: Uuid,
    message: String,
}

/// A sync job. While it runs, `output` and `progress` grow.
#[derive(Serialize, ToSchema)]
struct JobStatus {
    id: Uuid,
    /// `psa`, `rmm`, `create-account-numbers`, `push-to-datto`, …
    script: String,
    /// Name of the provider.
    provider: Option<String>,
    /// `base`, `tickets` or `tickets-detail`; `companies`, `contacts` or `agents` for a run of the command line.
    sync_type: Option<String>,
    /// `running`, `completed` or `failed`.
    status: String,
    started_at: String,
    completed_at: Option<String>,
    /// The last 1000 characters it wrote.
    output: Option<String>,
    /// Why it failed, the last 1000 characters.
    error: Option<String>,
    success: Option<bool>,
    /// `phase`, `page`, `counts`, and `waiting`: what it waits for just now, if it does.
    progress: Option<Value>,
}

impl From<Job> for JobStatus {
    fn from(job: Job) -> Self {
        let time = |time: DateTime<Utc>| iso_z(time);
        Self {
            id: job.id,
            script: job.script,
            provider: job.provider,
            sync_type: job.sync_type.map(told_sync_type),
            status: job.status,
            started_at: time(job.started_at),
            completed_at: job.completed_at.map(time),
            output: job.output.map(|output| last_characters(&output)),
            error: job.error.map(|error| last_characters(&error)),
            success: job.success,
            progress: job.progress,
        }
    }
}

/// Whether a sync really is one.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ReadQuery {
    /// Only compare: store nothing, and tell in the job's `output` and in `progress.planned` what would be removed.
    #[serde(default)]
    dry_run: bool,
}

/// The end of a job's log (codex-api.md §8.2); `GET /api/sync/jobs/{id}` has more of it.
fn last_characters(output: &str) -> String {
    let surplus = output.chars().count().saturating_sub(1000);
    output.chars().skip(surplus).collect()
}

/// Reads companies, contacts and agents of the default provider.
#[utoipa::path(post, path = "/sync/psa", tag = "sync", params(ReadQuery), responses(
    (status = 200, body = Started), (status = 400, description = "`dry_run` is neither `true` nor `false`"),
    (status = 409, description = "One runs already; member `job_id`"),
    (status = 500, description = "No provider is configured; member `error`"), ForAdmins
))]
async fn start_base(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Query(query): Query<ReadQuery>,
) -> Result<Json<Started>> {
    if query.dry_run {
        let work = Work::DryRun { parts: BasePart::ALL.to_vec(), tickets: None };
        return start(&codex, &caller, work, "PSA dry run").await;
    }
    start(&codex, &caller, Work::base(), "PSA sync").await
}

/// Reads the tickets that changed, then messages and hours of all that changed within the last 48 hours.
#[utoipa::path(post, path = "/sync/tickets", tag = "sync", responses(
    (status = 200, body = Started), (status = 409, description = "One runs already; member `job_id`"),
    (status = 500, description = "No provider is configured; member `error`"), ForTechnicians
))]
async fn start_tickets(State(codex): State<Codex>, Technician(caller): Technician) -> Result<Json<Started>> {
    let work = Work::Tickets { reach: Reach::Changes, details: Details::Recent };
    start(&codex, &caller, work, "Ticket detail sync").await
}

/// Reads all tickets there ever were, with messages and hours, and compares what is stored with what the vendor has.
#[utoipa::path(post, path = "/sync/tickets/full-history", tag = "sync", responses(
    (status = 200, body = Started), (status = 409, description = "One runs already; member `job_id`"),
    (status = 500, description = "No provider is configured; member `error`"), ForAdmins
))]
async fn start_full_history(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
) -> Result<Json<Started>> {
    start(
        &codex,
        &caller,
        Work::Tickets { reach: Reach::Full, details: Details::All },
        "Full ticket history sync",
    )
    .await
}

/// How a job that writes at a vendor is started.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct WriteQuery {
    /// Only tell what would be written; it is listed in the job's `output`, and whole in `progress.planned`.
    #[serde(default)]
    dry_run: bool,
}

impl WriteQuery {
    fn mode(&self) -> Mode {
        if self.dry_run { Mode::DryRun } else { Mode::Write }
    }

    /// The name of a job, as the audit log and the answer have it.
    fn named(&self, what: &str) -> String {
        if self.dry_run { format!("{what} (dry run)") } else { what.to_owned() }
    }
}

/// Reads the devices of the default RMM, then tells it the account numbers of companies.
#[utoipa::path(post, path = "/sync/datto", tag = "sync", params(WriteQuery), responses(
    (status = 200, body = Started), (status = 400, description = "`dry_run` is neither `true` nor `false`"),
    (status = 409, description = "One runs already; member `job_id`"),
    (status = 500, description = "No provider is configured; member `error`"), ForAdmins
))]
async fn start_devices(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Query(query): Query<WriteQuery>,
) -> Result<Json<Started>> {
    start(&codex, &caller, Work::Assets { push: Some(query.mode()) }, &query.named("RMM sync")).await
}

/// Gives an account number to every company at the PSA that has none.
#[utoipa::path(post, path = "/sync/create-account-numbers", tag = "sync", params(WriteQuery), responses(
    (status = 200, body = Started), (status = 400, description = "`dry_run` is neither `true` nor `false`"),
    (status = 409, description = "One runs already; member `job_id`"),
    (status = 500, description = "No provider is configured; member `error`"), ForAdmins
))]
async fn start_create_account_numbers(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Query(query): Query<WriteQuery>,
) -> Result<Json<Started>> {
    start(&codex, &caller, Work::CreateAccountNumbers(query.mode()), &query.named("Account number creation"))
        .await
}

/// Tells the default RMM the account numbers of companies.
#[utoipa::path(post, path = "/sync/push-to-datto", tag = "sync", params(WriteQuery), responses(
    (status = 200, body = Started), (status = 400, description = "`dry_run` is neither `true` nor `false`"),
    (status = 409, description = "One runs already; member `job_id`"),
    (status = 500, description = "No provider is configured; member `error`"), ForAdmins
))]
async fn start_push_account_numbers(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Query(query): Query<WriteQuery>,
) -> Result<Json<Started>> {
    start(&codex, &caller, Work::PushAccountNumbers(query.mode()), &query.named("Account number push")).await
}

/// Reads the platform users of the identity provider.
#[utoipa::path(post, path = "/sync/agents", tag = "sync", responses(
    (status = 200, body = Started), (status = 409, description = "One runs already; member `job_id`"),
    ForAdmins
))]
async fn start_agents(State(codex): State<Codex>, AdminOnly(caller): AdminOnly) -> Result<Json<Started>> {
    let running = agents::start(&codex, &caller.label()).await.map_err(refusal)?;
    audit!(job_id = %running.job_id, caller = caller.label(), "Keycloak agent sync started");
    let message = "Keycloak agent sync started in background".to_owned();
    Ok(Json(Started { success: true, job_id: running.job_id, message }))
}

async fn start(codex: &Codex, caller: &Caller, work: Work, what: &str) -> Result<Json<Started>> {
    let vendors = codex.sync.vendors();
    let provider = match work.system() {
        System::Psa => vendors.psa.default_name(),
        System::Rmm => vendors.rmm.default_name(),
    };
    let job_id = codex.sync.start(None, work, &caller.label()).await.map_err(refusal)?;
    audit!(job_id = %job_id, caller = caller.label(), provider, "{what} started");
    Ok(Json(Started { success: true, job_id, message: format!("{what} started in background ({provider})") }))
}

pub(super) fn refusal(error: StartError) -> Problem {
    let text = error.to_string();
    let problem = match error {
        StartError::Running(job_id) => Problem::new(StatusCode::CONFLICT).with("job_id", job_id.to_string()),
        StartError::Alone => Problem::new(StatusCode::CONFLICT),
        StartError::Provider(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR),
        StartError::Database(error) => {
            // The words of the database stay inside.
            let problem = Problem::from(error).with("success", false);
            let text = problem.detail_text().unwrap_or_else(|| problem.title_text()).to_owned();
            return problem.with("error", text);
        }
    };
    problem.with("success", false).error(text)
}

/// One sync job.
#[utoipa::path(get, path = "/sync/status/{job_id}", tag = "sync", params(("job_id" = String, Path, description = "Id of the job")), responses(
    (status = 200, body = JobStatus), (status = 404, description = "No such job"), ForTechnicians
))]
async fn get_status(
    State(codex): State<Codex>,
    _: Technician,
    Path(job_id): Path<String>,
) -> Result<Json<JobStatus>> {
    let job = match Uuid::parse_str(&job_id) {
        Ok(id) => sync_jobs::get(&codex.pool, id).await?,
        Err(_) => None,
    };
    job.map(|job| Json(job.into())).ok_or_else(no_such_job)
}

/// The newest job of a script.
#[utoipa::path(get, path = "/sync/last/{script}", tag = "sync", params(("script" = String, Path, description = "`psa`, `rmm`, `keycloak_agents`, `create-account-numbers` or `push-to-datto`")), responses(
    (status = 200, body = JobStatus), (status = 404, description = "None of that script"), ForStaff
))]
async fn get_last(
    State(codex): State<Codex>,
    _: StaffOnly,
    Path(script): Path<String>,
) -> Result<Json<JobStatus>> {
    let job = sync_jobs::last(&codex.pool, &script).await?;
    job.map(|job| Json(job.into()))
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND).error("No sync found for this script"))
}

/// A job that will end.
#[derive(Serialize, ToSchema)]
struct Cancelling {
    success: bool,
    message: &'static str,
}

/// Ends a running job after the step it is at. What it has stored stays.
#[utoipa::path(post, path = "/sync/cancel/{job_id}", tag = "sync", params(("job_id" = String, Path, description = "Id of the job")), responses(
    (status = 200, body = Cancelling), (status = 404, description = "No such running job"), ForTechnicians
))]
async fn cancel(
    State(codex): State<Codex>,
    Technician(caller): Technician,
    Path(job_id): Path<String>,
) -> Result<Json<Cancelling>> {
    let id = Uuid::parse_str(&job_id).map_err(|_| no_such_job())?;
    if !sync_jobs::request_cancel(&codex.pool, id).await? {
        return Err(no_such_job());
    }
    audit!(job_id = %id, caller = caller.label(), "sync job cancelled");
    Ok(Json(Cancelling { success: true, message: "The job will end in a moment" }))
}

fn no_such_job() -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error("Job not found")
}
