//! States of the services, and orders to them (helm.md §4.1).

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use axum::{body::Bytes, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{
    audit,
    auth::{AdminEvenInOutage, AdminOnly, TechnicianOnly},
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    ServeState,
    domain::{
        registry::HelmEntry,
        status::{UnitKind, UnitStatus},
    },
    routes::access::AdminUser,
    service_control::Outcome,
    store::logs,
};

/// Status answers are at most this old.
const MAX_AGE: Duration = Duration::from_secs(3);

/// The status of one service.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatusObject {
    service_name: String,
    configured_port: Option<u16>,
    configured_url: Option<String>,
    /// `running`, `stopped` or `unknown`.
    status: &'static str,
    /// The finer state: also `waiting`, `starting`, `restarting`, `stopping`.
    state: &'static str,
    /// `healthy`, `degraded`, `unhealthy`, `unreachable` or `unknown`.
    health: &'static str,
    health_message: String,
    health_latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mb: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime_seconds: Option<u64>,
    restarts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl From<&UnitStatus> for StatusObject {
    fn from(unit: &UnitStatus) -> Self {
        Self {
            service_name: unit.name.clone(),
            configured_port: unit.port,
            configured_url: unit.url.clone(),
            status: unit.state.status(),
            state: unit.state.as_str(),
            health: unit.health.as_str(),
            health_message: unit.health_message.clone(),
            health_latency_ms: unit.health_latency_ms,
            pid: unit.pid,
            cpu_percent: unit.cpu_percent,
            memory_mb: unit.memory.map(megabytes),
            create_time: unit.started_at.filter(|_| unit.pid.is_some()),
            started_at: unit.started_at,
            uptime_seconds: unit.uptime,
            restarts: unit.restarts,
            last_error: unit.last_error.clone(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "two decimals of a process' memory")]
fn megabytes(bytes: u64) -> f64 {
    (bytes as f64 / 1024.0 / 1024.0 * 100.0).round() / 100.0
}

/// The registry as Helm knows it.
#[derive(Debug, Serialize)]
pub struct Services {
    services: Vec<String>,
    details: IndexMap<String, HelmEntry>,
}

/// All services with their full registry entries.
#[utoipa::path(get, path = "/api/services", tag = "services",
    responses((status = 200, description = "`{services: [names], details: {name: entry}}`", body = Value)))]
pub async fn list(State(state): State<ServeState>, _: AdminUser) -> Result<Json<Services>> {
    let registry = state.board.registry();
    let details: IndexMap<String, HelmEntry> =
        registry.iter().map(|(name, entry)| (name.to_owned(), entry.clone())).collect();
    Ok(Json(Services { services: details.keys().cloned().collect(), details }))
}

/// The status of every service, by name.
#[utoipa::path(get, path = "/api/services/status", tag = "services",
    responses((status = 200, description = "Status by service name", body = HashMap<String, StatusObject>)))]
pub async fn statuses(
    State(state): State<ServeState>,
    _: TechnicianOnly,
) -> Result<Json<IndexMap<String, StatusObject>>> {
    Ok(Json(by_name(&state.board.statuses(MAX_AGE).await)))
}

fn by_name(units: &[UnitStatus]) -> IndexMap<String, StatusObject> {
    let services = units.iter().filter(|unit| unit.kind == UnitKind::Service);
    services.map(|unit| (unit.name.clone(), unit.into())).collect()
}

/// The status of one service.
#[utoipa::path(get, path = "/api/services/{name}/status", tag = "services",
    params(("name" = String, Path, description = "Service name")),
    responses((status = 200, description = "Status", body = StatusObject), (status = 404, description = "No such service")))]
pub async fn status(
    State(state): State<ServeState>,
    _: TechnicianOnly,
    Path(name): Path<String>,
) -> Result<Json<StatusObject>> {
    let units = state.board.statuses(MAX_AGE).await;
    units.iter().find(|unit| unit.name == name).map(|unit| Json(unit.into())).ok_or_else(not_found)
}

/// What the dashboard polls.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dashboard {
    statuses: HashMap<String, StatusObject>,
    /// Log lines of the last hour, per service and level.
    log_stats: BTreeMap<String, BTreeMap<String, i64>>,
}

/// States of all services and the number of their log lines in the last hour.
#[utoipa::path(get, path = "/api/dashboard/status", tag = "services",
    responses((status = 200, description = "States and log counts", body = Dashboard)))]
pub async fn dashboard(State(state): State<ServeState>, _: AdminOnly) -> Result<Json<Dashboard>> {
    let units = state.board.statuses(MAX_AGE).await;
    let since = state.context.clock.now() - TimeDelta::hours(1);
    let mut log_stats: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for row in logs::level_counts(&state.pool, since).await? {
        log_stats.entry(row.service).or_default().insert(row.level, row.count);
    }
    Ok(Json(Dashboard { statuses: by_name(&units).into_iter().collect(), log_stats }))
}

/// Answer to start and stop.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderAnswer {
    success: bool,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

/// Answer to restart.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestartAnswer {
    success: bool,
    message: String,
    details: RestartDetails,
}

/// Both halves of a restart.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestartDetails {
    stop: OrderAnswer,
    start: OrderAnswer,
}

impl From<Outcome> for OrderAnswer {
    fn from(outcome: Outcome) -> Self {
        Self { success: outcome.success, message: outcome.message, pid: outcome.pid, port: outcome.port }
    }
}

/// Starts a service and waits until it is ready.
#[utoipa::path(post, path = "/api/services/{name}/start", tag = "services",
    params(("name" = String, Path, description = "Service name")), request_body = Option<Value>,
    responses((status = 200, description = "Started", body = OrderAnswer),
        (status = 400, description = "Not started, or invalid mode"), (status = 404, description = "No such service")))]
pub async fn start(
    State(state): State<ServeState>,
    AdminEvenInOutage(caller): AdminEvenInOutage,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<OrderAnswer>> {
    check(&state, &name, &body)?;
    let outcome = state.control.start(&name).await;
    audit!(user = caller.label(), service_started = name, success = outcome.success, "service start ordered");
    answer(outcome)
}

/// Stops a service; it stays down until it is started again.
#[utoipa::path(post, path = "/api/services/{name}/stop", tag = "services",
    params(("name" = String, Path, description = "Service name")),
    responses((status = 200, description = "Stopped", body = OrderAnswer),
        (status = 400, description = "Not stopped"), (status = 404, description = "No such service")))]
pub async fn stop(
    State(state): State<ServeState>,
    AdminEvenInOutage(caller): AdminEvenInOutage,
    Path(name): Path<String>,
) -> Result<Json<OrderAnswer>> {
    check(&state, &name, &Bytes::new())?;
    let outcome = state.control.stop(&name).await;
    audit!(user = caller.label(), service_stopped = name, success = outcome.success, "service stop ordered");
    answer(outcome)
}

/// Stops and starts a service; the start decides.
#[utoipa::path(post, path = "/api/services/{name}/restart", tag = "services",
    params(("name" = String, Path, description = "Service name")), request_body = Option<Value>,
    responses((status = 200, description = "Restarted", body = RestartAnswer),
        (status = 400, description = "Not started, or invalid mode"), (status = 404, description = "No such service")))]
pub async fn restart(
    State(state): State<ServeState>,
    AdminEvenInOutage(caller): AdminEvenInOutage,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<RestartAnswer>> {
    check(&state, &name, &body)?;
    let outcome = state.control.restart(&name).await;
    let success = outcome.start.success;
    audit!(user = caller.label(), service_restarted = name, success, "service restart ordered");
    let message = format!("Stop: {} Start: {}", outcome.stop.message, outcome.start.message);
    let details = RestartDetails { stop: outcome.stop.into(), start: outcome.start.into() };
    if success {
        return Ok(Json(RestartAnswer { success, message, details }));
    }
    let details = serde_json::to_value(details).unwrap_or_default();
    Err(refused(message).with("details", details))
}

/// The optional body of start and restart.
#[derive(Debug, Default, Deserialize)]
struct OrderBody {
    mode: Option<Value>,
}

/// The service must exist; a missing or unreadable body has the defaults, a wrong mode does not.
fn check(state: &ServeState, name: &str, body: &[u8]) -> Result<()> {
    if !state.control.knows(name) {
        return Err(not_found());
    }
    let body: OrderBody = serde_json::from_slice(body).unwrap_or_default();
    match body.mode.as_ref().map(|mode| mode.as_str()) {
        None | Some(Some("development" | "production")) => Ok(()),
        Some(_) => {
            Err(Problem::new(StatusCode::BAD_REQUEST)
                .error("Invalid mode. Must be development or production"))
        }
    }
}

fn answer(outcome: Outcome) -> Result<Json<OrderAnswer>> {
    if outcome.success { Ok(Json(outcome.into())) } else { Err(refused(outcome.message)) }
}

fn refused(message: String) -> Problem {
    Problem::bad_request(message.clone()).with("success", false).with("message", message)
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error("Service not found")
}
