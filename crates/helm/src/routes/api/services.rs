//! States of the services, and orders to them (helm.md §4.1).

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    audit,
    auth::{AdminEvenInOutage, TechnicianOnly},
    conditional::is_unchanged,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    ServeState,
    domain::{
        registry::HelmEntry,
        sample::mebibytes,
        status::{UnitKind, UnitStatus},
    },
    routes::access::{AdminUser, AuthorEvenInOutage},
    services::control::Outcome,
    store::alerts::{self, Alert},
    store::log_stats::Counts,
};

/// Status answers are at most this old.
const MAX_AGE: Duration = Duration::from_secs(3);
/// What dashboards see is at most this old, except for starts and stops, which show at once: they ask every five seconds,
/// and every second time nothing has changed.
const DASHBOARD_AGE: Duration = Duration::from_secs(7);

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
    /// The build it runs, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
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
            memory_mb: unit.memory.map(mebibytes),
            create_time: unit.started_at.filter(|_| unit.pid.is_some()),
            started_at: unit.started_at,
            uptime_seconds: unit.uptime,
            restarts: unit.restarts,
            last_error: unit.last_error.clone(),
            version: unit.version.clone(),
        }
    }
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
    Ok(Json(by_name(&state.board.statuses(MAX_AGE).await, |kind| kind == UnitKind::Service)))
}

fn by_name(units: &[UnitStatus], is_wanted: impl Fn(UnitKind) -> bool) -> IndexMap<String, StatusObject> {
    let wanted = units.iter().filter(|unit| is_wanted(unit.kind));
    wanted.map(|unit| (unit.name.clone(), unit.into())).collect()
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
    #[schema(value_type = HashMap<String, StatusObject>)]
    statuses: IndexMap<String, StatusObject>,
    /// The servers that Helm runs itself, and the helpers of a demo.
    #[schema(value_type = HashMap<String, StatusObject>)]
    servers: IndexMap<String, StatusObject>,
    /// Log lines of the last hour, per service and level; empty while the log store is away.
    #[schema(value_type = HashMap<String, HashMap<String, i64>>)]
    log_stats: Arc<Counts>,
    /// What is wrong now, as in `GET /api/alerts`.
    alerts: Vec<Firing>,
}

/// An alert of now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Firing {
    severity: String,
    message: String,
    fired_at: DateTime<Utc>,
}

impl From<Alert> for Firing {
    fn from(alert: Alert) -> Self {
        Self { severity: alert.severity, message: alert.message, fired_at: alert.fired_at }
    }
}

/// States of all services and the number of their log lines in the last hour. Nothing but an entity tag is answered when
/// nothing has changed.
#[utoipa::path(get, path = "/api/dashboard/status", tag = "services",
    responses((status = 200, description = "States and log counts", body = Dashboard),
        (status = 304, description = "As `If-None-Match` says")))]
pub async fn dashboard(
    State(state): State<ServeState>,
    _: AdminEvenInOutage,
    headers: HeaderMap,
) -> Result<Response> {
    let units = state.board.statuses(DASHBOARD_AGE).await;
    let log_stats = state.log_stats.last_hour().await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "log lines cannot be counted");
        Arc::default()
    });
    let alerts =
        alerts::firing(&state.pool).await.unwrap_or_default().into_iter().map(Firing::from).collect();
    let dashboard = Dashboard {
        statuses: by_name(&units, |kind| kind == UnitKind::Service),
        servers: by_name(&units, |kind| kind != UnitKind::Service),
        log_stats,
        alerts,
    };
    let body = serde_json::to_vec(&dashboard).map_err(Problem::internal)?;
    let tag = entity_tag(&body)?;
    let fixed = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    if is_unchanged(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((fixed, json, body).into_response())
}

/// A weak tag, since the answer may be compressed on its way.
fn entity_tag(body: &[u8]) -> Result<HeaderValue> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    let hex: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("W/\"{hex}\"")).map_err(Problem::internal)
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
    AuthorEvenInOutage(by): AuthorEvenInOutage,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<OrderAnswer>> {
    check(&state, &name, &body)?;
    let outcome = state.control.start(&name).await;
    audit!(by, service_started = name, success = outcome.success, "service start ordered");
    answer(outcome)
}

/// Stops a service; it stays down until it is started again.
#[utoipa::path(post, path = "/api/services/{name}/stop", tag = "services",
    params(("name" = String, Path, description = "Service name")),
    responses((status = 200, description = "Stopped", body = OrderAnswer),
        (status = 400, description = "Not stopped"), (status = 404, description = "No such service")))]
pub async fn stop(
    State(state): State<ServeState>,
    AuthorEvenInOutage(by): AuthorEvenInOutage,
    Path(name): Path<String>,
) -> Result<Json<OrderAnswer>> {
    check(&state, &name, &Bytes::new())?;
    let outcome = state.control.stop(&name).await;
    audit!(by, service_stopped = name, success = outcome.success, "service stop ordered");
    answer(outcome)
}

/// Stops and starts a service; the start decides.
#[utoipa::path(post, path = "/api/services/{name}/restart", tag = "services",
    params(("name" = String, Path, description = "Service name")), request_body = Option<Value>,
    responses((status = 200, description = "Restarted", body = RestartAnswer),
        (status = 400, description = "Not started, or invalid mode"), (status = 404, description = "No such service")))]
pub async fn restart(
    State(state): State<ServeState>,
    AuthorEvenInOutage(by): AuthorEvenInOutage,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<RestartAnswer>> {
    check(&state, &name, &body)?;
    let outcome = state.control.restart(&name).await;
    let success = outcome.start.success;
    audit!(by, service_restarted = name, success, "service restart ordered");
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

/// 404 of a name that is no service's.
#[must_use]
pub fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error("Service not found")
}
