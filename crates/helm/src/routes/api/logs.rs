//! Reading the log (helm.md §4.2).

use std::time::Duration;

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    contracts::helm::LogObject,
    extract::{Json, Path, Query},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ServeState,
    domain::log_filter::{LogFilter, RawFilter},
    routes::access::AdminUser,
    store::logs::{self, LogRow},
};

/// As long as this may counting take: a page of a large log must not wait for a number.
const COUNT_PATIENCE: Duration = Duration::from_millis(25);
/// Most rows of one correlation chain.
const MAX_CHAIN: i64 = 5_000;

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
    let search = logs::Search::new(&state.pool, &filter).await?;
    let (total, rows) = tokio::try_join!(search.count(COUNT_PATIENCE), search.rows())?;
    let next_cursor = filter.next_cursor(rows.last().map(LogRow::cursor), rows.len());
    let next_cursor = next_cursor.filter(|_| filter.after_id.is_none());
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
    total: i64,
    /// Services touched, in the order in which they first appear.
    services: Vec<String>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    /// Milliseconds from the first to the last entry.
    span_ms: Option<i64>,
    /// There are more entries than `logs` holds, its oldest; the other members are of all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
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
    let extent = logs::extent(&state.pool, &correlation_id).await?;
    let total = extent.iter().map(|part| part.count).sum();
    let started_at = extent.iter().map(|part| part.first).min();
    let ended_at = extent.iter().map(|part| part.last).max();
    let span_ms = started_at.zip(ended_at).map(|(start, end)| (end - start).num_milliseconds());
    let services = extent.into_iter().map(|part| part.service).collect();
    let logs: Vec<LogObject> = rows.into_iter().map(LogObject::from).collect();
    let truncated = i64::try_from(logs.len()).is_ok_and(|told| told < total);
    Ok(Json(Chain { correlation_id, total, services, started_at, ended_at, span_ms, truncated, logs }))
}
