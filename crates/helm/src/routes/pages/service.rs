//! One service: how it stands, how it was, what it wrote (helm.md §3, Service detail).

use std::time::Duration;

use askama::Template;
use axum::{extract::State, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{
    extract::{LenientQuery, Path},
    pages::{Page, flash::Flash, format::shortened},
    problem::Result,
};
use serde::Deserialize;

use super::{
    orders::{Button, Orders},
    render,
    view::{health_class, or_dash, started, state_class},
};
use crate::{
    ServeState,
    domain::{
        history::{self, COLUMN_MINUTES, History},
        log_filter::LogFilter,
        sample::{CPU, LATENCY, MEMORY},
        status::{HealthCheck, UnitStatus, memory_text, uptime_text},
    },
    routes::{access::AdminUserEvenInOutage, api::services::not_found, flash::Flashes},
    store::{
        logs::{self, LogRow, SHORT_CORRELATION},
        metrics::{self, Point},
    },
};

const MAX_AGE: Duration = Duration::from_secs(3);
/// Log lines of the page.
const LINES: i64 = 50;
/// Errors of the page.
const ERRORS: i64 = 5;
/// Characters of a message.
const MESSAGE: usize = 200;

#[derive(Template)]
#[template(path = "service.html")]
struct Service {
    page: Page,
    flashes: Vec<Flash>,
    name: String,
    title: String,
    unit: Unit,
    /// What somebody without scripts wants to be asked about.
    asked: Option<Button>,
    orders: Orders,
    charts: Vec<(&'static str, &'static str, History)>,
    /// None while the log store is away.
    lines: Option<Vec<Line>>,
    errors: Vec<Line>,
}

impl Service {
    fn width(&self) -> i64 {
        history::WIDTH
    }

    fn total_height(&self) -> i64 {
        history::TOTAL_HEIGHT
    }
}

/// The rows of the table.
struct Unit {
    state: &'static str,
    state_class: &'static str,
    health: &'static str,
    health_class: &'static str,
    health_message: String,
    latency: String,
    url: Option<String>,
    version: String,
    port: String,
    pid: String,
    started: String,
    started_iso: Option<String>,
    uptime: String,
    cpu: String,
    memory: String,
    restarts: u32,
    last_error: Option<String>,
    checks: Vec<HealthCheck>,
}

struct Line {
    time: String,
    iso: String,
    level: String,
    message: String,
    correlation_id: String,
    short: String,
}

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    confirm: Option<String>,
}

/// `GET /service/{service_name}`
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUserEvenInOutage,
    page: Page,
    flashes: Flashes,
    Path(name): Path<String>,
    LenientQuery(asked): LenientQuery<Asked>,
) -> Result<Response> {
    let units = state.board.statuses(MAX_AGE).await;
    let Some(unit) = units.iter().find(|unit| unit.name == name) else { return Err(not_found()) };
    let now = state.context.clock.now();
    let title = super::title(&state, &name);
    let orders = Orders::to(&state, unit, &title);
    let filter = LogFilter { service: Some(name.clone()), limit: LINES, ..LogFilter::default() };
    let of_errors = LogFilter { level: Some("ERROR"), limit: ERRORS, ..filter.clone() };
    let since = now - TimeDelta::hours(history::HOURS);
    let (lines, errors, points) = tokio::join!(
        logs::search(&state.pool, &filter),
        logs::search(&state.pool, &of_errors),
        metrics::history(&state.pool, &name, since, COLUMN_MINUTES),
    );
    let lines = lines.inspect_err(|error| tracing::warn!(error = %error, "the log cannot be read")).ok();
    let points = points.unwrap_or_default();
    let html = render(&Service {
        page,
        flashes: flashes.0.clone(),
        title,
        unit: Unit::from(unit),
        asked: asked.confirm.as_deref().and_then(|word| orders.fitting(word)).cloned(),
        orders,
        charts: vec![
            ("Latency of its health check", "latency", chart(&points, LATENCY, "ms", now)),
            ("Memory", "memory", chart(&points, MEMORY, "MB", now)),
            ("Processor", "cpu", chart(&points, CPU, "%", now)),
        ],
        lines: lines.map(|rows| rows.into_iter().map(Line::from).collect()),
        errors: errors.unwrap_or_default().into_iter().map(Line::from).collect(),
        name,
    })?;
    Ok(flashes.shown_by(html))
}

fn chart(points: &[Point], metric: &str, unit: &str, now: DateTime<Utc>) -> History {
    let columns: Vec<_> =
        points.iter().filter(|point| point.metric == metric).map(|point| (point.at, point.value)).collect();
    History::of(&columns, now, unit)
}

impl From<&UnitStatus> for Unit {
    fn from(unit: &UnitStatus) -> Self {
        Self {
            state: unit.state.as_str(),
            state_class: state_class(unit.state),
            health: unit.health.as_str(),
            health_class: health_class(unit.health),
            health_message: unit.health_message.clone(),
            latency: or_dash(unit.health_latency_ms, |ms| format!("{ms:.1} ms")),
            url: unit.url.clone(),
            version: or_dash(unit.version.clone(), |version| version),
            port: or_dash(unit.port, |port| port.to_string()),
            pid: or_dash(unit.pid, |pid| pid.to_string()),
            started: or_dash(unit.started_at, started),
            started_iso: unit.started_at.map(|at| at.to_rfc3339()),
            uptime: or_dash(unit.uptime, uptime_text),
            cpu: or_dash(unit.cpu_percent, |percent| format!("{percent:.1} %")),
            memory: or_dash(unit.memory, memory_text),
            restarts: unit.restarts,
            last_error: unit.last_error.clone(),
            checks: unit.checks.clone(),
        }
    }
}

impl From<LogRow> for Line {
    fn from(row: LogRow) -> Self {
        let correlation_id = row.correlation_id.unwrap_or_default();
        Self {
            time: row.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
            iso: row.timestamp.to_rfc3339(),
            level: row.level,
            message: shortened(&row.message, MESSAGE),
            short: correlation_id.chars().take(SHORT_CORRELATION).collect(),
            correlation_id,
        }
    }
}
