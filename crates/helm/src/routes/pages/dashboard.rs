//! The dashboard: a card per service.

use std::time::Duration;

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::ActingUser,
    pages::{Page, icon},
    problem::Result,
};

use super::render;
use crate::{
    ServeState,
    domain::status::{Health, Phase, UnitKind, UnitStatus, memory_text, uptime_text},
    routes::access::AdminUser,
};

/// Cards in this order, then any others (helm.md §3).
const ORDER: [&str; 10] = [
    "keycloak",
    "core",
    "nexus",
    "helm",
    "codex",
    "beacon",
    "brainhair",
    "knowledgetree",
    "ledger",
    "archive",
];
const MAX_AGE: Duration = Duration::from_secs(3);
const DASH: &str = "–";

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    page: Page,
    user: String,
    level: &'static str,
    summary: String,
    services: Vec<Card>,
    servers: Vec<Card>,
}

struct Card {
    name: String,
    title: String,
    icon: &'static str,
    state: &'static str,
    state_class: &'static str,
    health: &'static str,
    health_class: &'static str,
    health_message: String,
    latency: String,
    memory: String,
    uptime: String,
    port: String,
    last_error: Option<String>,
}

/// `GET /`
pub async fn show(
    State(state): State<ServeState>,
    AdminUser(user): AdminUser,
    page: Page,
) -> Result<Html<String>> {
    let units = state.board.statuses(MAX_AGE).await;
    let registry = state.board.registry();
    let title =
        |name: &str| registry.get(name).map_or_else(|| plain_title(name), |e| e.service.title.clone());
    let icon_of = |name: &str| {
        let from_registry = registry.get(name).and_then(|entry| entry.service.icon.clone());
        from_registry.unwrap_or_else(|| "server".to_owned())
    };
    let cards = |kinds: &[UnitKind]| {
        let mut cards: Vec<Card> = units
            .iter()
            .filter(|unit| kinds.contains(&unit.kind))
            .map(|unit| card(unit, title(&unit.name), &icon_of(&unit.name)))
            .collect();
        cards.sort_by_key(|card| ORDER.iter().position(|name| *name == card.name).unwrap_or(ORDER.len()));
        cards
    };
    let services = cards(&[UnitKind::Service]);
    render(&Dashboard {
        page,
        user: shown_name(&user),
        level: user.permission_level.as_str(),
        summary: summary(&units),
        services,
        servers: cards(&[UnitKind::Server, UnitKind::Helper]),
    })
}

fn shown_name(user: &ActingUser) -> String {
    let names = [&user.preferred_username, &user.email, &user.sub];
    names.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default()
}

fn plain_title(name: &str) -> String {
    match name {
        "postgresql" => "PostgreSQL".into(),
        "redis" => "Redis".into(),
        "simulator" => "Simulated ticket system".into(),
        other => other.to_owned(),
    }
}

/// One sentence about everything.
fn summary(units: &[UnitStatus]) -> String {
    let services: Vec<&UnitStatus> = units.iter().filter(|unit| unit.kind == UnitKind::Service).collect();
    let healthy = services.iter().filter(|unit| unit.health == Health::Healthy).count();
    match services.len() {
        all if all == healthy => format!("All {all} services are healthy."),
        all => format!("{healthy} of {all} services are healthy."),
    }
}

fn card(unit: &UnitStatus, title: String, icon_name: &str) -> Card {
    Card {
        name: unit.name.clone(),
        title,
        icon: icon(icon_name).unwrap_or_default(),
        state: unit.state.as_str(),
        state_class: match unit.state {
            Phase::Running => "success",
            Phase::Starting | Phase::Waiting | Phase::Stopping => "warning",
            Phase::Stopped | Phase::Backoff => "danger",
        },
        health: unit.health.as_str(),
        health_class: match unit.health {
            Health::Healthy => "success",
            Health::Degraded => "warning",
            Health::Unhealthy | Health::Unreachable => "danger",
            Health::Unknown => "info",
        },
        health_message: unit.health_message.clone(),
        latency: unit.health_latency_ms.map_or_else(|| DASH.into(), |ms| format!("{ms:.1} ms")),
        memory: unit.memory.map_or_else(|| DASH.into(), memory_text),
        uptime: unit.uptime.map_or_else(|| DASH.into(), uptime_text),
        port: unit.port.map_or_else(|| DASH.into(), |port| port.to_string()),
        last_error: unit.last_error.clone().filter(|_| unit.state != Phase::Running),
    }
}
