//! Ticket syncs, relayed to Codex on behalf of the user who asks (beacon.md §4).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    auth::{Authenticated, BearerToken, Caller, PermissionLevel, StaffOnly},
    extract::{Json, Path},
    problem::{Problem, Result},
    service_client::ServiceError,
};
use http::StatusCode;
use serde_json::json;

use crate::{Beacon, clients::codex::Relayed};

const DENIED: &str = "Permission denied. Technician or admin access required.";
const NOT_STARTED: &str = "Failed to start ticket sync";
const NO_STATUS: &str = "Failed to get sync status";

/// Starts a detailed ticket sync in Codex
///
/// For `admin` and `technician`. Codex runs it as a job; ask for its state with the `job_id`.
#[utoipa::path(
    post, path = "/api/sync/tickets", tag = "sync",
    responses(
        (status = 200, description = "Started: `success`, `job_id`, `message`", body = Object),
        (status = 401, description = "No valid token"),
        (status = 403, description = "Neither `admin` nor `technician`"),
        (status = 429, description = "More than 5 in a minute"),
        (status = 500, description = "Codex did not start it")
    )
)]
pub async fn start(
    State(beacon): State<Beacon>,
    Authenticated(caller): Authenticated,
    BearerToken(token): BearerToken,
) -> Result<Response> {
    if !may_sync(&caller) {
        return Err(failure(StatusCode::FORBIDDEN, DENIED));
    }
    let answer = beacon.0.codex.start_ticket_sync(token.expose()).await;
    let answer = answer.map_err(|error| unavailable(error, Some(NOT_STARTED)))?;
    match answer.status {
        status if status.is_success() => {
            tracing::info!(
                job_id = answer.body["job_id"].as_str(),
                by = caller.label(),
                "a ticket sync was started"
            );
            Ok(Json(answer.body).into_response())
        }
        StatusCode::FORBIDDEN => Err(failure(StatusCode::FORBIDDEN, DENIED)),
        status => Err(relayed_failure(status, &answer, NOT_STARTED)),
    }
}

/// State of a sync job
#[utoipa::path(
    get, path = "/api/sync/status/{job_id}", tag = "sync",
    params(("job_id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job: `id`, `script`, `status`, `started_at`, `completed_at`, `output`, `error`, `success`", body = Object),
        (status = 401, description = "No valid token"),
        (status = 403, description = "Neither `admin` nor `technician`"),
        (status = 404, description = "No such job"),
        (status = 429, description = "More than 30 in a minute"),
        (status = 500, description = "Codex did not tell")
    )
)]
pub async fn status(
    State(beacon): State<Beacon>,
    StaffOnly(caller): StaffOnly,
    BearerToken(token): BearerToken,
    Path(job): Path<String>,
) -> Result<Response> {
    let job_is_plain = job.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !job_is_plain {
        return Err(Problem::new(StatusCode::NOT_FOUND).error("Job not found"));
    }
    // A service that asks for itself has no user whose rights Codex could check.
    let user = matches!(caller, Caller::User(_)).then(|| token.expose());
    let answer = beacon.0.codex.sync_status(&job, user).await;
    let answer = answer.map_err(|error| unavailable(error, None))?;
    match answer.status {
        status if status.is_success() => Ok(Json(answer.body).into_response()),
        StatusCode::NOT_FOUND => Err(Problem::new(StatusCode::NOT_FOUND).error("Job not found")),
        StatusCode::FORBIDDEN => Err(failure(StatusCode::FORBIDDEN, DENIED)),
        status => Err(relayed_failure(status, &answer, NO_STATUS).with("error", NO_STATUS)),
    }
}

/// Who may start a sync, and so is offered it.
pub fn may_sync(caller: &Caller) -> bool {
    matches!(caller.level(), Some(PermissionLevel::Admin | PermissionLevel::Technician))
}

fn failure(status: StatusCode, text: &str) -> Problem {
    Problem::new(status).with("success", json!(false)).error(text)
}

/// An error answer of Codex: what the caller can mend keeps its status and text, the rest is upstream's 500.
fn relayed_failure(status: StatusCode, answer: &Relayed, text: &'static str) -> Problem {
    match status {
        StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
            failure(status, answer.body["error"].as_str().unwrap_or(text))
        }
        _ => failure(StatusCode::INTERNAL_SERVER_ERROR, text).cause(format!("Codex answered {status}")),
    }
}

/// Codex or Core is away: upstream's 500 with its text; a session that ended meanwhile stays a 401.
fn unavailable(error: ServiceError, text: Option<&'static str>) -> Problem {
    match error {
        ServiceError::ActingUser => error.into(),
        error => {
            let text = text.unwrap_or("Internal server error");
            failure(StatusCode::INTERNAL_SERVER_ERROR, text).cause(error)
        }
    }
}
