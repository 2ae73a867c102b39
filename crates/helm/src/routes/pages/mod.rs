//! HTML pages, for administrators.

mod backups;
mod chain;
mod dashboard;
mod line;
mod logs;
mod metrics;
mod orders;
mod process_logs;
mod security;
mod service;
mod settings;
mod users;
mod view;

use axum::{
    Router, middleware,
    routing::{MethodRouter, get, post},
};
use hivematrix_shared::{
    pages::{
        assets::{self, Asset},
        only_people,
    },
    problem::{Problem, Result},
};

use crate::ServeState;

const ASSETS: &[Asset] = &[
    Asset::new("js/backups.js", include_bytes!("../../../static/js/backups.js")),
    Asset::new("js/dashboard.js", include_bytes!("../../../static/js/dashboard.js")),
    Asset::new("js/settings.js", include_bytes!("../../../static/js/settings.js")),
    Asset::new("js/logs.js", include_bytes!("../../../static/js/logs.js")),
    Asset::new("js/orders.js", include_bytes!("../../../static/js/orders.js")),
    Asset::new("js/process-logs.js", include_bytes!("../../../static/js/process-logs.js")),
    Asset::new("js/service.js", include_bytes!("../../../static/js/service.js")),
    Asset::new("js/users.js", include_bytes!("../../../static/js/users.js")),
];

/// All pages and the files they load.
pub fn router(state: ServeState) -> Router {
    Router::new()
        .route("/", get(dashboard::show))
        .route("/backups", get(backups::show))
        .route("/logs", get(logs::show))
        .route("/logs/correlation/{correlation_id}", get(chain::show))
        .route("/settings", get(settings::show))
        .route("/settings/save", post(settings::save))
        .route("/settings/sync-config", post(settings::sync))
        .route("/settings/backup", post(settings::test_backup))
        .route("/settings/restart-all", post(settings::restart_all))
        .route("/service/{service_name}", get(service::show))
        .route("/service/{service_name}/logs", get(process_logs::show))
        .route("/service/{service_name}/start", post(orders::start))
        .route("/service/{service_name}/stop", post(orders::stop))
        .route("/service/{service_name}/restart", post(orders::restart))
        .route("/security", get(security::show))
        .route("/security/audit", post(security::run))
        .route("/security/scripts/{filename}", get(security::download))
        .route("/users", get(users::show))
        .route_layer(middleware::from_fn(only_people))
        .with_state(state)
        .merge(assets::router(ASSETS))
        .merge(assets::router(assets::MODULES))
}

/// The page that browsers find at `/metrics`, where programs find the Prometheus text.
pub fn metrics(state: ServeState) -> MethodRouter {
    get(metrics::show).route_layer(middleware::from_fn(only_people)).with_state(state)
}

/// Renders a template.
fn render(template: &impl askama::Template) -> Result<axum::response::Html<String>> {
    template.render().map(axum::response::Html).map_err(Problem::internal)
}

/// What people call a service or server.
fn title(state: &ServeState, name: &str) -> String {
    let from_registry = state.board.registry().get(name).map(|entry| entry.service.title.clone());
    from_registry.unwrap_or_else(|| match name {
        "keycloak" => "Keycloak".into(),
        "postgresql" => "PostgreSQL".into(),
        "redis" => "Redis".into(),
        "neo4j" => "Neo4j".into(),
        "simulator" => "Simulated ticket system".into(),
        other => other.to_owned(),
    })
}
