//! HTTP: the page, its data, the relayed sync.

mod api;
mod pages;

use axum::Router;
use hivematrix_shared::{
    context::ServiceContext,
    health::Health,
    pages::assets,
    rate_limit::{Limits, Methods, Per},
    server::ServeOptions,
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::Beacon;

const DEFAULT_PORT: u16 = 5001;

#[derive(OpenApi)]
#[openapi(
    info(title = "Beacon", description = "The live ticket board: active tickets of the PSA, categorised by Codex."),
    tags(
        (name = "tickets", description = "The tickets of a view"),
        (name = "sync", description = "Ticket syncs, relayed to Codex"),
        (name = "pages", description = "Pages for browsers")
    )
)]
struct Document;

/// All routes.
pub fn router(beacon: Beacon) -> Router {
    let (router, _) = documented().split_for_parts();
    router.with_state(beacon)
}

/// What the common layers need to know of Beacon.
pub fn options(context: &ServiceContext) -> ServeOptions {
    let (_, document) = documented().split_for_parts();
    ServeOptions::new("Beacon", DEFAULT_PORT)
        .limits(limits())
        .health(Health::new(context).dependency("core").dependency("codex").degraded_is_503(true))
        .openapi(document)
        .body_limit(64 * 1024)
}

fn documented() -> OpenApiRouter<Beacon> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(api::router())
        .merge(pages::router())
        .merge(assets::router(pages::ASSETS).into())
}

/// The seed's limits per user; the page's own routes have theirs, since one refresh a minute exceeds 50 an hour.
fn limits() -> Limits {
    Limits::platform_default()
        .defaults(&[(200, Per::Day), (50, Per::Hour)])
        .route(Methods::Any, "/{view_slug}", &[(60, Per::Minute)])
        .route(Methods::Any, "/api/tickets/{view_slug}", &[(60, Per::Minute)])
        .route(Methods::Any, "/api/sync/tickets", &[(5, Per::Minute)])
        .route(Methods::Any, "/api/sync/status/{job_id}", &[(30, Per::Minute)])
        .exempt("/")
        .exempt("/static/*")
}
