//! How much data there is, and clearing it.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, Caller},
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument as _;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Codex,
    routes::api::refusals::ForAdmins,
    store::clear::{self, ClearError, Cleared, DataType, Statistics},
};

pub(super) fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(get_statistics)).routes(routes!(clear_data))
}

/// How many rows there are.
#[utoipa::path(get, path = "/api/admin/statistics", tag = "admin", responses(
    (status = 200, body = Statistics), ForAdmins
))]
async fn get_statistics(State(codex): State<Codex>, _: AdminOnly) -> Result<Json<Statistics>> {
    Ok(Json(clear::statistics(&codex.pool).await?))
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

/// Removes all companies (with tickets, locations, sites, overrides and assets), contacts, assets, platform users, or all
/// of them, in one transaction, after every row was written to a backup file. Plans, agents of the PSA and jobs stay.
#[utoipa::path(post, path = "/api/admin/clear-data", tag = "admin", request_body = Order, responses(
    (status = 200, body = ClearedAnswer), (status = 400, description = "Unknown `data_type`"),
    (status = 409, description = "A sync is running; member `job_id`"),
    (status = 422, description = "`confirm` is not the same word"), ForAdmins
))]
async fn clear_data(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(order): Json<Order>,
) -> Result<Json<ClearedAnswer>> {
    if order.confirm.trim() != order.data_type.as_str() {
        let sentence = format!("Type “{}” to confirm.", order.data_type.as_str());
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY)
            .error(sentence.clone())
            .with("errors", serde_json::json!({ "confirm": sentence })));
    }
    let cleared = clear_for(&codex, &caller, order.data_type).await?;
    let message = sentence(&cleared);
    let removed = cleared.removed.iter().map(|(table, rows)| ((*table).to_owned(), (*rows).into()));
    Ok(Json(ClearedAnswer {
        success: true,
        message,
        removed: Value::Object(removed.collect()),
        backup: cleared.backup,
    }))
}

/// Clears for a person, and tells the log.
pub(super) async fn clear_for(codex: &Codex, caller: &Caller, what: DataType) -> Result<Cleared> {
    let folder = codex.context.settings.service_dir().join("backups");
    let now = codex.context.clock.now();
    let (pool, caller) = (codex.pool.clone(), caller.label());
    let work = async move {
        let cleared = clear::clear(&pool, what, &folder, &caller, now).await.map_err(refusal)?;
        audit!(caller, data_type = what.as_str(), backup = cleared.backup, "data was cleared");
        Ok(cleared)
    };
    // What has begun ends, and is told, also when nobody waits for the answer any more.
    tokio::spawn(work.in_current_span()).await.map_err(Problem::internal)?
}

fn refusal(error: ClearError) -> Problem {
    match error {
        ClearError::Busy(job) => {
            Problem::new(StatusCode::CONFLICT).error(error.to_string()).with("job_id", job.to_string())
        }
        ClearError::Backup(error) => Problem::internal(error)
            .detail("The backup cannot be written, so nothing was cleared.")
            .with("error", "The backup cannot be written, so nothing was cleared."),
        ClearError::Database(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => {
            Problem::new(StatusCode::CONFLICT).error("Somebody writes to these tables just now. Try again.")
        }
        ClearError::Database(error) => error.into(),
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
