//! HTTP: JSON for programs, pages for people.

pub mod access;
pub mod api;
pub mod pages;

use axum::Router;
use hivematrix_shared::rate_limit::{Limits, Per};
use http::Method;
use utoipa::{OpenApi, openapi::OpenApi as Document};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ServeState;

#[derive(OpenApi)]
#[openapi(
    info(title = "HiveMatrix Helm API", description = "Service control and the central log"),
    tags((name = "services", description = "States of the services and orders to them"), (name = "logs", description = "The central log"), (name = "keycloak", description = "Users and groups of the realm"))
)]
struct Api;

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
        .routes(routes!(api::logs::search, api::ingest::single))
        .routes(routes!(api::ingest::batch))
        .routes(routes!(api::log_export::export))
        .routes(routes!(api::logs::one))
        .routes(routes!(api::logs::chain))
        .routes(routes!(api::keycloak::users, api::keycloak::create))
        .routes(routes!(api::keycloak::update, api::keycloak::delete))
        .routes(routes!(api::keycloak::reset_password))
        .routes(routes!(api::keycloak::groups))
        .routes(routes!(api::keycloak::groups_of_user, api::keycloak::replace_groups))
        .routes(routes!(api::keycloak::join, api::keycloak::leave))
        .with_state(state.clone())
        .split_for_parts();
    (api.merge(pages::router(state)), document)
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
