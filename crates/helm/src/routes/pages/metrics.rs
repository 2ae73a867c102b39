//! What all services use (helm.md §3, Metrics).

use std::time::Duration;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{extract::LenientQuery, pages::Page, problem::Result};
use http::{HeaderValue, header};
use serde::Deserialize;

use super::{
    render,
    view::{DASH, health_class, or_dash, state_class},
};
use crate::{
    ServeState,
    domain::status::{UnitStatus, memory_text, uptime_text},
    routes::access::AdminUser,
    store::log_stats::Counts,
};

/// The page is loaded anew every five seconds.
const MAX_AGE: Duration = Duration::from_secs(4);

#[derive(Template)]
#[template(path = "metrics.html")]
struct Metrics {
    page: Page,
    rows: Vec<Row>,
    total: String,
    stands: bool,
    /// Whether log lines could be counted.
    counted: bool,
}

struct Row {
    name: String,
    title: String,
    state: &'static str,
    state_class: &'static str,
    health: &'static str,
    health_class: &'static str,
    port: String,
    pid: String,
    cpu: String,
    memory: String,
    uptime: String,
    lines: Vec<Lines>,
}

/// The log lines of one level.
struct Lines {
    label: &'static str,
    letter: char,
    level: &'static str,
    count: String,
}

/// Levels that are counted, with their column and its letter (helm.md §3).
const COUNTED: [(&str, char, &str); 3] =
    [("Errors", 'E', "ERROR"), ("Warnings", 'W', "WARNING"), ("Other lines", 'I', "INFO")];

/// How the page was opened.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct How {
    refresh: Option<String>,
}

/// `GET /metrics` of a browser.
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUser,
    page: Page,
    LenientQuery(how): LenientQuery<How>,
) -> Result<Response> {
    let units = state.board.statuses(MAX_AGE).await;
    let counts = state.log_stats.last_hour().await;
    let counts =
        counts.inspect_err(|error| tracing::warn!(error = %error, "log lines cannot be counted")).ok();
    let total = units.iter().filter_map(|unit| unit.memory).sum();
    let html = render(&Metrics {
        page,
        rows: units.iter().map(|unit| row(&state, unit, counts.as_deref())).collect(),
        total: memory_text(total),
        stands: how.refresh.as_deref() == Some("off"),
        counted: counts.is_some(),
    })?;
    // At this address stands another answer for those who want no page.
    Ok(([(header::VARY, HeaderValue::from_static("Accept"))], html).into_response())
}

fn row(state: &ServeState, unit: &UnitStatus, counts: Option<&Counts>) -> Row {
    let count = |level: &str| match counts {
        Some(counts) => {
            counts.get(&unit.name).and_then(|levels| levels.get(level)).copied().unwrap_or(0).to_string()
        }
        None => DASH.into(),
    };
    Row {
        name: unit.name.clone(),
        title: super::title(state, &unit.name),
        state: unit.state.as_str(),
        state_class: state_class(unit.state),
        health: unit.health.as_str(),
        health_class: health_class(unit.health),
        port: or_dash(unit.port, |port| port.to_string()),
        pid: or_dash(unit.pid, |pid| pid.to_string()),
        cpu: or_dash(unit.cpu_percent, |percent| format!("{percent:.1} %")),
        memory: or_dash(unit.memory, memory_text),
        uptime: or_dash(unit.uptime, uptime_text),
        lines: COUNTED
            .map(|(label, letter, level)| Lines { label, letter, level, count: count(level) })
            .into(),
    }
}
