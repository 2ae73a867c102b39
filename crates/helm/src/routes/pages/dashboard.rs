//! The dashboard: a card per service.

use std::time::Duration;

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::ActingUser,
    pages::{Page, icon},
    problem::Result,
};

use super::{
    orders::Orders,
    render,
    view::{health_class, or_dash, state_class},
};
use crate::{
    ServeState,
    domain::status::{Health, Phase, UnitKind, UnitStatus, memory_text, uptime_text},
    routes::access::AdminUserEvenInOutage,
    services::board::KEYCLOAK,
    store::alerts::{self, Alert},
};

/// The pages beside those of services: path, icon, title and what one finds there (helm.md §3).
const PAGES: [(&str, &str, &str, &str); 6] = [
    ("/security", "shield-check", "Security Audit", "What is open that should not be"),
    ("/logs", "scroll-text", "System Logs", "What all services write"),
    ("/metrics", "bar-chart", "Metrics", "Processor, memory and log lines"),
    ("/backups", "archive", "Backups", "What is saved, and saving it now"),
    ("/settings", "settings", "System Settings", "Configuration and certificate"),
    ("/users", "users", "Manage Users", "Who may sign in"),
];

/// Cards in this order, then any others (helm.md §3).
const ORDER: [&str; 10] =
    [KEYCLOAK, "core", "nexus", "helm", "codex", "beacon", "brainhair", "knowledgetree", "ledger", "archive"];
const MAX_AGE: Duration = Duration::from_secs(3);

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    page: Page,
    user: String,
    level: &'static str,
    summary: String,
    /// What is wrong now; none while the log store is away.
    alerts: Vec<Alert>,
    services: Vec<Card>,
    servers: Vec<Card>,
    pages: [(&'static str, &'static str, &'static str, &'static str); 6],
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
    version: String,
    last_error: Option<String>,
    orders: Orders,
}

/// `GET /`
pub async fn show(
    State(state): State<ServeState>,
    AdminUserEvenInOutage(user): AdminUserEvenInOutage,
    page: Page,
) -> Result<Html<String>> {
    let units = state.board.statuses(MAX_AGE).await;
    let registry = state.board.registry();
    let icon_of = |name: &str| {
        let from_registry = registry.get(name).and_then(|entry| entry.service.icon.clone());
        from_registry.unwrap_or_else(|| if name == KEYCLOAK { "key" } else { "server" }.to_owned())
    };
    let cards = |kinds: &[UnitKind]| {
        let mut cards: Vec<Card> = units
            .iter()
            .filter(|unit| kinds.contains(&unit.kind))
            .map(|unit| card(&state, unit, &icon_of(&unit.name)))
            .collect();
        cards.sort_by_key(|card| ORDER.iter().position(|name| *name == card.name).unwrap_or(ORDER.len()));
        cards
    };
    let services = cards(&[UnitKind::Service]);
    let alerts = alerts::firing(&state.pool).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "alerts cannot be read");
        Vec::new()
    });
    render(&Dashboard {
        page,
        user: shown_name(&user),
        level: user.permission_level.as_str(),
        summary: summary(&units),
        alerts,
        pages: PAGES,
        services,
        servers: cards(&[UnitKind::Server, UnitKind::Helper]),
    })
}

fn shown_name(user: &ActingUser) -> String {
    let names = [&user.preferred_username, &user.email, &user.sub];
    names.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default()
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

fn card(state: &ServeState, unit: &UnitStatus, icon_name: &str) -> Card {
    let title = super::title(state, &unit.name);
    Card {
        orders: Orders::to(state, unit, &title),
        name: unit.name.clone(),
        title,
        icon: icon(icon_name).unwrap_or_default(),
        state: unit.state.as_str(),
        state_class: state_class(unit.state),
        health: unit.health.as_str(),
        health_class: health_class(unit.health),
        health_message: unit.health_message.clone(),
        latency: or_dash(unit.health_latency_ms, |ms| format!("{ms:.1} ms")),
        memory: or_dash(unit.memory, memory_text),
        uptime: or_dash(unit.uptime, uptime_text),
        port: or_dash(unit.port, |port| port.to_string()),
        version: or_dash(unit.version.clone(), |version| version),
        last_error: unit.last_error.clone().filter(|_| unit.state != Phase::Running),
    }
}
