//! Log ingestion (helm.md §4.2): service tokens only, and what is acknowledged is committed.

use axum::extract::State;
use hivematrix_shared::{
    auth::ServiceOnly,
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    ServeState,
    domain::log_entry::{MAX_BATCH, NewLogEntry, is_service_name, validate},
    store::logs,
};

/// Answer to a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// Always true.
    pub success: bool,
    /// Entries stored.
    pub ingested: usize,
    /// The same in words.
    pub message: String,
    /// Entries refused, by their place in the batch; absent when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedEntry>,
}

/// One refused entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejectedEntry {
    /// Place in `logs`, from 0.
    pub index: usize,
    /// What is wrong.
    pub error: String,
}

/// Answer to a single entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct SingleAnswer {
    /// Always true.
    pub success: bool,
    /// Always 1.
    pub ingested: usize,
    /// The row's id.
    pub id: i64,
}

/// Stores a batch of log entries.
///
/// Body `{"service_name": …, "logs": [{…}]}`; both name sets are accepted in an entry. `service_name` may be left out and
/// must else be the calling service. Bad entries are named in `rejected`, the others are stored. An entry with `source` (a
/// UUID, the run of a process) and `seq` (a whole number) is stored once, however often it comes with the same `timestamp`.
#[utoipa::path(
    post, path = "/api/logs/ingest", tag = "logs", request_body = Value,
    responses(
        (status = 200, description = "Stored", body = BatchAnswer),
        (status = 400, description = "Missing logs array, invalid service name or too many entries"),
        (status = 403, description = "Not a service, or another service's name"),
    )
)]
pub async fn batch(
    State(state): State<ServeState>,
    ServiceOnly(caller): ServiceOnly,
    Json(body): Json<Value>,
) -> Result<Json<BatchAnswer>> {
    let entries = body
        .get("logs")
        .and_then(Value::as_array)
        .ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "Missing logs array"))?;
    check_name(body.get("service_name"), &caller.calling_service)?;
    if entries.len() > MAX_BATCH {
        return Err(refuse(StatusCode::BAD_REQUEST, "Maximum 10000 logs per request"));
    }
    let now = state.context.clock.now();
    let mut good: Vec<NewLogEntry> = Vec::with_capacity(entries.len());
    let mut rejected = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match validate(&caller.calling_service, entry, now) {
            Ok(entry) => good.push(entry),
            Err(reason) => rejected.push(RejectedEntry { index, error: reason.to_string() }),
        }
    }
    logs::insert(&state.pool, &good).await?;
    // What came before and was stored then counts as well: the caller wants to know what it need not send again.
    let ingested = good.len();
    let message = format!("Successfully ingested {ingested} log entries");
    Ok(Json(BatchAnswer { success: true, ingested, message, rejected }))
}

/// Stores one log entry in the seed's form.
#[utoipa::path(
    post, path = "/api/logs", tag = "logs", request_body = Value,
    responses(
        (status = 201, description = "Stored", body = SingleAnswer),
        (status = 400, description = "A field is wrong"),
        (status = 403, description = "Not a service, or another service's name"),
    )
)]
pub async fn single(
    State(state): State<ServeState>,
    ServiceOnly(caller): ServiceOnly,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<SingleAnswer>)> {
    check_name(body.get("service").or_else(|| body.get("service_name")), &caller.calling_service)?;
    let entry = validate(&caller.calling_service, &body, state.context.clock.now())
        .map_err(|reason| refuse(StatusCode::BAD_REQUEST, reason.to_string()))?;
    // The seed's form has no numbers, and its answer always names a new row.
    let entry = NewLogEntry { number: None, ..entry };
    let ids = logs::insert(&state.pool, std::slice::from_ref(&entry)).await?;
    let id = ids.first().copied().ok_or_else(|| Problem::internal("the row was not returned"))?;
    Ok((StatusCode::CREATED, Json(SingleAnswer { success: true, ingested: 1, id })))
}

/// A name may be left out; a given one must be well-formed and the caller's own.
fn check_name(given: Option<&Value>, caller: &str) -> Result<()> {
    match given {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(name)) if name == caller => Ok(()),
        Some(Value::String(name)) if is_service_name(name) => {
            Err(refuse(StatusCode::FORBIDDEN, "A service may write only its own log"))
        }
        Some(_) => Err(refuse(StatusCode::BAD_REQUEST, "Invalid service_name format")),
    }
}

fn refuse(status: StatusCode, error: impl Into<String>) -> Problem {
    Problem::new(status).error(error)
}
