//! Reading the log (helm.md §4.2).

use std::time::Duration;

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    extract::{Json, Path, Query},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    ServeState,
    domain::log_filter::{Cursor, LogFilter, RawFilter},
    routes::access::AdminUser,
    store::logs::{self, LogRow},
};

/// As long as this may counting take: a page of a large log must not wait for a number.
const COUNT_PATIENCE: Duration = Duration::from_millis(50);
/// Most rows of one correlation chain.
const MAX_CHAIN: i64 = 5_000;

/// A log entry under the seed's names and upstream's.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogObject {
    id: i64,
    timestamp: DateTime<Utc>,
    created_at: DateTime<Utc>,
    service: String,
    service_name: String,
    level: String,
    message: String,
    correlation_id: Option<String>,
    trace_id: Option<String>,
    user_email: Option<String>,
    user_id: Option<String>,
    extra_data: Option<Value>,
    context: Option<Value>,
    hostname: Option<String>,
    process_id: Option<i32>,
}

impl From<LogRow> for LogObject {
    fn from(row: LogRow) -> Self {
        Self {
            id: row.id,
            timestamp: row.timestamp,
            created_at: row.created_at,
            service_name: row.service.clone(),
            service: row.service,
            level: row.level,
            message: row.message,
            trace_id: row.correlation_id.clone(),
            correlation_id: row.correlation_id,
            user_id: row.user_email.clone(),
            user_email: row.user_email,
            context: row.extra_data.clone(),
            extra_data: row.extra_data,
            hostname: row.hostname,
            process_id: row.process_id,
        }
    }
}

/// One page of log entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogPage {
    /// Entries that the filter finds in all.
    total: i64,
    /// Counting took too long: `total` is the planner's guess.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    total_is_estimate: bool,
    limit: i64,
    offset: i64,
    /// Parameter `cursor` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// With `after_id` and `order=asc`: how far this answer has read, and `after_id` of the next call.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_id: Option<i64>,
    logs: Vec<LogObject>,
}

/// Searches the log; newest first unless `order=asc`.
#[utoipa::path(
    get, path = "/api/logs", tag = "logs",
    params(
        ("service" = Option<String>, Query, description = "Exact service name"),
        ("level" = Option<String>, Query, description = "Level in any case"),
        ("correlation_id" = Option<String>, Query, description = "Exact correlation id; `trace_id` is the same"),
        ("user" = Option<String>, Query, description = "Part of the user"),
        ("search" = Option<String>, Query, description = "Part of the message"),
        ("words" = Option<String>, Query, description = "Words of the message (full-text search)"),
        ("start_time" = Option<String>, Query, description = "ISO 8601, inclusive"),
        ("end_time" = Option<String>, Query, description = "ISO 8601, inclusive"),
        ("after_id" = Option<i64>, Query, description = "Only later stored entries: the live tail"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before; nothing is skipped or repeated while entries come in"),
        ("limit" = Option<i64>, Query, description = "100, at most 1000"),
        ("offset" = Option<i64>, Query, description = "Entries skipped"),
        ("order" = Option<String>, Query, description = "`asc` or `desc`"),
    ),
    responses((status = 200, description = "Entries", body = LogPage), (status = 400, description = "A time or the cursor is wrong"))
)]
pub async fn search(
    State(state): State<ServeState>,
    _: AdminUser,
    Query(raw): Query<RawFilter>,
) -> Result<Json<LogPage>> {
    let mut filter = LogFilter::try_from(raw)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST).error(error.to_string()))?;
    if filter.after_id.is_some() {
        filter.up_to_id = Some(logs::settled(&state.pool).await?);
    }
    let total = logs::count(&state.pool, &filter, COUNT_PATIENCE).await?;
    let rows = logs::search(&state.pool, &filter).await?;
    let next_cursor = next_cursor(&rows, &filter).filter(|_| filter.after_id.is_none());
    let last_id = filter.last_id(rows.last().map(|row| row.id), rows.len());
    let logs = rows.into_iter().map(LogObject::from).collect();
    Ok(Json(LogPage {
        total: total.rows,
        total_is_estimate: total.is_estimate,
        limit: filter.limit,
        offset: filter.offset,
        next_cursor: next_cursor.map(|cursor| cursor.to_string()),
        last_id,
        logs,
    }))
}

/// Where the page after this one begins; none when this one was not full.
pub fn next_cursor(rows: &[LogRow], filter: &LogFilter) -> Option<Cursor> {
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows == filter.limit);
    rows.last().filter(|_| is_full).map(LogRow::cursor)
}

/// One log entry.
#[utoipa::path(
    get, path = "/api/logs/{id}", tag = "logs", params(("id" = i64, Path, description = "Entry id")),
    responses((status = 200, description = "The entry", body = LogObject), (status = 404, description = "No such entry"))
)]
pub async fn one(
    State(state): State<ServeState>,
    _: AdminUser,
    Path(id): Path<i64>,
) -> Result<Json<LogObject>> {
    let row = logs::get(&state.pool, id).await?;
    row.map(|row| Json(row.into()))
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND).error("Log entry not found"))
}

/// All entries of one correlation id.
#[derive(Debug, Serialize, ToSchema)]
pub struct Chain {
    correlation_id: String,
    total: usize,
    /// Services touched, in the order in which they first appear.
    services: Vec<String>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    /// Milliseconds from the first to the last entry.
    span_ms: Option<i64>,
    logs: Vec<LogObject>,
}

/// Follows one request through all services, oldest entry first.
#[utoipa::path(
    get, path = "/api/logs/correlation/{correlation_id}", tag = "logs",
    params(("correlation_id" = String, Path, description = "Correlation id")),
    responses((status = 200, description = "The chain; empty for an unknown id", body = Chain))
)]
pub async fn chain(
    State(state): State<ServeState>,
    _: AdminUser,
    Path(correlation_id): Path<String>,
) -> Result<Json<Chain>> {
    let rows = logs::chain(&state.pool, &correlation_id, MAX_CHAIN).await?;
    let mut services: Vec<String> = Vec::new();
    for row in &rows {
        if !services.contains(&row.service) {
            services.push(row.service.clone());
        }
    }
    let started_at = rows.first().map(|row| row.timestamp);
    let ended_at = rows.last().map(|row| row.timestamp);
    let span_ms = started_at.zip(ended_at).map(|(start, end)| (end - start).num_milliseconds());
    let logs: Vec<LogObject> = rows.into_iter().map(LogObject::from).collect();
    Ok(Json(Chain { correlation_id, total: logs.len(), services, started_at, ended_at, span_ms, logs }))
}
