//! Jobs that administrators run or schedule ("pullers", ledger-pages.md §7.2).

mod shapes;
pub(in crate::routes) mod work;

use axum::extract::State;
use hivematrix_shared::{
    auth::AdminOnly,
    extract::{Json, Path, Query},
    problem::Result,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub(in crate::routes) use shapes::zone;
use shapes::{ChosenScript, PullerBody, PullerShape, RunShape, ScheduleShape};

use super::{Added, Done, archive::whole, by, members, missing};
use crate::{
    Ledger,
    domain::pullers::Script,
    store::{pullers, runs},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(schedule))
        .routes(routes!(one, change, remove))
        .routes(routes!(start))
        .routes(routes!(cancel))
        .routes(routes!(history))
        .routes(routes!(run))
}

/// All jobs, and what a job can do.
#[derive(Serialize, ToSchema)]
struct Pullers {
    /// By name.
    pullers: Vec<PullerShape>,
    /// What may stand in `script_path`.
    scripts: Vec<ChosenScript>,
    /// The zone whose clock schedules mean, such as `Europe/Berlin`.
    zone: String,
}

/// Jobs that administrators run or schedule, with how each stands and when it is next due.
#[utoipa::path(
    get, path = "/api/pullers", operation_id = "list_pullers", tag = "pullers",
    responses((status = 200, body = Pullers))
)]
async fn list(State(ledger): State<Ledger>, _: AdminOnly) -> Result<Json<Pullers>> {
    let rows = pullers::list(&ledger.pool).await?;
    Ok(Json(Pullers {
        pullers: rows.into_iter().map(|row| PullerShape::of(&ledger, row)).collect(),
        scripts: Script::ALL.into_iter().map(ChosenScript::of).collect(),
        zone: zone(),
    }))
}

/// Adds a job. `script_path` is one of a list, never a file.
#[utoipa::path(
    post, path = "/api/pullers", operation_id = "add_puller", tag = "pullers", request_body = PullerBody,
    responses((status = 201, body = Added), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn add(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Added>)> {
    let id = work::add(&ledger, &by(&caller), &members(body)?).await?;
    Ok((StatusCode::CREATED, Json(Added { message: "Job added".to_owned(), id })))
}

/// Which schedule.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct ScheduleQuery {
    /// Five fields as in a crontab, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    cron: String,
}

/// What a schedule means, without storing it.
#[utoipa::path(
    get, path = "/api/pullers/schedule", operation_id = "explain_puller_schedule", tag = "pullers",
    responses((status = 200, body = ScheduleShape), (status = 400, description = "It is none, or never comes; `fields` says what is wrong"))
)]
async fn schedule(
    State(ledger): State<Ledger>,
    _: AdminOnly,
    Query(query): Query<ScheduleQuery>,
) -> Result<Json<ScheduleShape>> {
    ScheduleShape::of(&query.cron, &ledger.context.clock.local()).map(Json)
}

/// One job.
#[utoipa::path(
    get, path = "/api/pullers/{id}", operation_id = "show_puller", tag = "pullers",
    params(("id" = i32, Path, description = "Id of the job")),
    responses((status = 200, body = PullerShape), (status = 404, description = "There is none"))
)]
async fn one(State(ledger): State<Ledger>, _: AdminOnly, Path(id): Path<i32>) -> Result<Json<PullerShape>> {
    let row = work::found(&ledger, id).await?;
    Ok(Json(PullerShape::of(&ledger, row)))
}

/// Changes a job: only the given members. A schedule that is changed or switched on does not make up for what was before.
#[utoipa::path(
    put, path = "/api/pullers/{id}", operation_id = "change_puller", tag = "pullers", request_body = PullerBody,
    params(("id" = i32, Path, description = "Id of the job")),
    responses(
        (status = 200, body = Done),
        (status = 400, description = "A member is wrong; `fields` says what with each"),
        (status = 404, description = "There is no such job")
    )
)]
async fn change(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i32>,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    work::change(&ledger, &by(&caller), id, &members(body)?).await?;
    Ok(Done::new("Job saved"))
}

/// Deletes a job with the history of its runs.
#[utoipa::path(
    delete, path = "/api/pullers/{id}", operation_id = "delete_puller", tag = "pullers",
    params(("id" = i32, Path, description = "Id of the job")),
    responses(
        (status = 200, body = Done),
        (status = 404, description = "There is no such job"),
        (status = 409, description = "It runs")
    )
)]
async fn remove(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i32>,
) -> Result<Json<Done>> {
    work::remove(&ledger, &by(&caller), id).await?;
    Ok(Done::new("Job deleted"))
}

/// A run of a job.
#[derive(Serialize, ToSchema)]
struct OfRun {
    /// For people.
    message: &'static str,
    /// Its id.
    run_id: Uuid,
}

/// Starts a job in the background, enabled or not.
#[utoipa::path(
    post, path = "/api/pullers/{id}/run", operation_id = "run_puller", tag = "pullers",
    params(("id" = i32, Path, description = "Id of the job")),
    responses(
        (status = 202, body = OfRun),
        (status = 404, description = "There is no such job"),
        (status = 409, description = "It runs already, its script is none that Ledger has, or too many jobs run")
    )
)]
async fn start(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i32>,
) -> Result<(StatusCode, Json<OfRun>)> {
    let run_id = work::start(&ledger, &by(&caller), id).await?;
    Ok((StatusCode::ACCEPTED, Json(OfRun { message: "Job started", run_id })))
}

/// Asks the run of a job to end. It ends within seconds, after the company it is at.
#[utoipa::path(
    post, path = "/api/pullers/{id}/cancel", operation_id = "cancel_puller", tag = "pullers",
    params(("id" = i32, Path, description = "Id of the job")),
    responses(
        (status = 202, body = OfRun),
        (status = 404, description = "There is no such job"),
        (status = 409, description = "It does not run")
    )
)]
async fn cancel(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i32>,
) -> Result<(StatusCode, Json<OfRun>)> {
    let run_id = work::cancel(&ledger, &by(&caller), id).await?;
    Ok((StatusCode::ACCEPTED, Json(OfRun { message: "The job ends", run_id })))
}

/// Which runs.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
struct RunsQuery {
    /// At most so many: 50 where nothing is said, which is also how many are kept.
    #[param(value_type = Option<i64>, minimum = 0)]
    limit: Option<String>,
    /// Without the first ones.
    #[param(value_type = Option<i64>, minimum = 0)]
    offset: Option<String>,
}

/// Runs of a job.
#[derive(Serialize, ToSchema)]
struct Runs {
    /// The newest first, without their logs.
    runs: Vec<RunShape>,
}

/// The newest runs of a job.
#[utoipa::path(
    get, path = "/api/pullers/{id}/runs", operation_id = "list_puller_runs", tag = "pullers",
    params(("id" = i32, Path, description = "Id of the job")),
    responses((status = 200, body = Runs), (status = 404, description = "There is no such job"))
)]
async fn history(
    State(ledger): State<Ledger>,
    _: AdminOnly,
    Path(id): Path<i32>,
    Query(query): Query<RunsQuery>,
) -> Result<Json<Runs>> {
    let limit = whole("limit", &query.limit, 0..=i64::MAX)?.unwrap_or(runs::KEPT).min(runs::KEPT);
    let offset = whole("offset", &query.offset, 0..=i64::MAX)?.unwrap_or(0);
    work::found(&ledger, id).await?;
    let now = ledger.context.clock.now();
    let rows = runs::list(&ledger.pool, id, limit, offset).await?;
    Ok(Json(Runs { runs: rows.into_iter().map(|row| RunShape::of(row, None, now)).collect() }))
}

/// One run of a job with its log, which grows while it runs.
#[utoipa::path(
    get, path = "/api/pullers/{id}/runs/{run_id}", operation_id = "show_puller_run", tag = "pullers",
    params(("id" = i32, Path, description = "Id of the job"), ("run_id" = Uuid, Path, description = "Id of the run")),
    responses((status = 200, body = RunShape), (status = 404, description = "There is no such run"))
)]
async fn run(
    State(ledger): State<Ledger>,
    _: AdminOnly,
    Path((id, run_id)): Path<(i32, Uuid)>,
) -> Result<Json<RunShape>> {
    let found = runs::find(&ledger.pool, id, run_id).await?;
    let (row, log) = found.ok_or_else(|| missing("There is no such run"))?;
    Ok(Json(RunShape::of(row, Some(log), ledger.context.clock.now())))
}
