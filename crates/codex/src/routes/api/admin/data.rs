//! How much data there is, and clearing it.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use hivematrix_shared::{
    auth::{AdminOnly, Caller},
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::super::sync;
use crate::{
    Codex,
    jobs::{
        StartError,
        clearing::{self, Clearing},
    },
    routes::api::refusals::ForAdmins,
    store::{
        clear::{ClearError, Cleared, DataType},
        statistics::{self, Statistics},
        unit,
    },
};

pub(super) fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(get_statistics)).routes(routes!(clear_data))
}

/// How many rows there are.
#[utoipa::path(get, path = "/api/admin/statistics", tag = "admin", responses(
    (status = 200, body = Statistics), ForAdmins
))]
async fn get_statistics(State(codex): State<Codex>, _: AdminOnly) -> Result<Json<Statistics>> {
    Ok(Json(statistics::statistics(&codex.pool).await?))
}

/// What to clear.
#[derive(Deserialize, ToSchema)]
struct Order {
    data_type: DataType,
    /// The same word again, so that nothing is cleared by accident.
    confirm: String,
}

/// What was cleared.
#[derive(Serialize, ToSchema)]
struct ClearedAnswer {
    success: bool,
    message: String,
    /// Rows by table.
    removed: Value,
    /// The file with a copy of every row, in the folder `backups` of the instance directory of Codex.
    backup: String,
}

/// Clearing that takes long.
#[derive(Serialize, ToSchema)]
struct ClearingAnswer {
    success: bool,
    message: String,
    /// The job, as in `GET /api/sync/jobs/{id}`.
    job_id: Uuid,
}

/// Removes all companies (with tickets, locations, sites, overrides and assets), contacts, assets, platform users, or all
/// of them, in one transaction, after every row was written to a backup file. Plans, agents of the PSA and jobs stay.
///
/// It runs as a job, while no sync does; what takes longer than 20 seconds goes on after the answer.
#[utoipa::path(post, path = "/api/admin/clear-data", tag = "admin", request_body = Order, responses(
    (status = 200, body = ClearedAnswer), (status = 202, body = ClearingAnswer, description = "It goes on as a job"),
    (status = 400, description = "Unknown `data_type`"),
    (status = 409, description = "A sync is running, member `job_id`; or an import, or other clearing"),
    (status = 422, description = "`confirm` is not the same word"), ForAdmins
))]
async fn clear_data(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(order): Json<Order>,
) -> Result<Response> {
    if order.confirm.trim() != order.data_type.as_str() {
        let sentence = format!("Type “{}” to confirm.", order.data_type.as_str());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY)
            .error(sentence.clone())
            .with("errors", serde_json::json!({ "confirm": sentence })));
    }
    Ok(match clear_for(&codex, &caller, order.data_type).await? {
        Answer::Done(cleared) => {
            let message = sentence(&cleared);
            let removed = cleared.removed.iter().map(|(table, rows)| ((*table).to_owned(), (*rows).into()));
            let removed = Value::Object(removed.collect());
            Json(ClearedAnswer { success: true, message, removed, backup: cleared.backup }).into_response()
        }
        Answer::GoesOn(job_id) => {
            let answer = ClearingAnswer { success: true, message: GOES_ON.to_owned(), job_id };
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
    })
}

/// What people read when it takes longer.
pub(super) const GOES_ON: &str =
    "There is much to copy, so it goes on in the background. The history of syncs shows how far it is.";

/// How clearing stands when it is time to answer.
pub(super) enum Answer {
    /// Done.
    Done(Cleared),
    /// It goes on, as this job.
    GoesOn(Uuid),
}

/// Clears for a person, and tells the log.
pub(super) async fn clear_for(codex: &Codex, caller: &Caller, what: DataType) -> Result<Answer> {
    let running = clearing::start(codex, what, caller.label()).await.map_err(refused)?;
    match running.wait(codex.patience.clearing).await {
        Clearing::Done(cleared) => Ok(Answer::Done(cleared)),
        Clearing::GoesOn(job) => Ok(Answer::GoesOn(job)),
        Clearing::Failed(error) => Err(failed(error)),
    }
}

fn refused(error: StartError) -> Problem {
    let text = match error {
        StartError::Running(_) => "A sync is running. Wait for it to end, or cancel it.",
        StartError::Alone => "An import, or other clearing, is running. Wait for it to end.",
        error => return sync::refusal(error),
    };
    sync::refusal(error).detail(text).with("error", text)
}

fn failed(error: Option<ClearError>) -> Problem {
    match error {
        Some(ClearError::Backup(error)) => Problem::internal(error)
            .detail("The backup cannot be written, so nothing was cleared.")
            .with("error", "The backup cannot be written, so nothing was cleared."),
        Some(ClearError::Database(error)) if unit::is_passing(&error) => {
            Problem::new(StatusCode::CONFLICT).error("Somebody writes to these tables just now. Try again.")
        }
        Some(ClearError::Database(error)) => error.into(),
        None => Problem::new(StatusCode::CONFLICT).error("It was cancelled, so nothing was cleared."),
    }
}

/// What was cleared, for people.
pub(super) fn sentence(cleared: &Cleared) -> String {
    let of = |table: &str, what: &str| {
        let rows = cleared.removed.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows);
        (rows > 0).then(|| format!("{rows} {what}"))
    };
    let named = [
        ("companies", "companies"),
        ("ticket_details", "tickets"),
        ("contacts", "contacts"),
        ("assets", "assets"),
        ("agents", "platform users"),
    ];
    let parts: Vec<String> = named.iter().filter_map(|(table, what)| of(table, what)).collect();
    if parts.is_empty() {
        return "There was nothing to remove.".to_owned();
    }
    format!("Removed {}. A copy is kept as {}.", parts.join(", "), cleared.backup)
}
