//! HTTP: JSON for programs, pages for people.

pub mod access;
pub mod api;
pub mod flash;
pub mod pages;
mod paging;

use axum::{Router, extract::DefaultBodyLimit};
use hivematrix_shared::{
    rate_limit::{Limits, Per},
    server::BODY_LIMIT,
};
use http::Method;
use utoipa::{OpenApi, openapi::OpenApi as Document};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ServeState;

#[derive(OpenApi)]
#[openapi(
    info(title = "HiveMatrix Helm API", description = "Service control and the central log"),
    tags((name = "services", description = "States of the services and orders to them"), (name = "logs", description = "The central log"), (name = "backups", description = "Archives of the whole suite"), (name = "keycloak", description = "Users and groups of the realm"), (name = "security", description = "Security audit and firewall scripts"), (name = "settings", description = "The master configuration of the suite"))
)]
struct Api;

/// Largest batch of log entries: as many as may come, each with the longest message and what goes with it.
pub const BATCH_LIMIT: usize = 128 * 1024 * 1024;

/// Every route of Helm with the document of its API.
pub fn router(state: ServeState) -> (Router, Document) {
    let (api, document) = OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(api::services::list))
        .routes(routes!(api::services::statuses))
        .routes(routes!(api::services::status))
        .routes(routes!(api::services::start))
        .routes(routes!(api::services::stop))
        .routes(routes!(api::services::restart))
        .routes(routes!(api::services::dashboard))
        .routes(routes!(api::process_logs::last_lines))
        .routes(routes!(api::metrics::of_service))
        .routes(routes!(api::alerts::list))
        .routes(routes!(api::logs::search, api::ingest::single))
        .routes(routes!(api::log_export::export))
        .routes(routes!(api::logs::one))
        .routes(routes!(api::logs::chain))
        .routes(routes!(api::backups::list, api::backups::start))
        .routes(routes!(api::backups::status))
        .routes(routes!(api::backups::test_status, api::backups::test))
        .routes(routes!(api::settings::show, api::settings::change))
        .routes(routes!(api::settings::sync))
        .routes(routes!(api::settings::restart_all))
        .routes(routes!(api::settings::ssl_info))
        .merge(api::keycloak::router())
        .merge(api::security::router())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .routes(routes!(api::ingest::batch))
        .with_state(state.clone())
        .split_for_parts();
    (api.merge(pages::router(state).layer(DefaultBodyLimit::max(BODY_LIMIT))), document)
}

/// Limits of platform.md §11.
#[must_use]
pub fn limits() -> Limits {
    Limits::platform_default()
        .route(Method::POST, "/api/logs/ingest", &[(1000, Per::Minute)])
        .route(Method::POST, "/api/logs", &[(1000, Per::Minute)])
        .exempt("/api/services/status")
        .exempt("/api/services/{name}/status")
        .exempt("/api/dashboard/status")
}
