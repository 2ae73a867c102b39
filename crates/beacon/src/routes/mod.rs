//! HTTP: the page, its data and stream, the relayed sync, screens.

pub mod answer;
mod api;
pub mod display;
pub mod pages;
pub mod places;
mod stream;

use axum::Router;
use hivematrix_shared::{
    health::Health,
    pages::assets,
    rate_limit::{Limits, Methods, Per},
    server::ServeOptions,
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use self::stream::OPENINGS;
use crate::Beacon;

const DEFAULT_PORT: u16 = 5001;

#[derive(OpenApi)]
#[openapi(
    info(title = "Beacon", description = "The live ticket board: active tickets of the PSA, categorised by Codex."),
    tags(
        (name = "tickets", description = "The tickets of a view"),
        (name = "displays", description = "Boards on screens without a user"),
        (name = "sync", description = "Ticket syncs, relayed to Codex"),
        (name = "pages", description = "Pages for browsers")
    )
)]
struct Document;

/// All routes.
pub fn router(beacon: Beacon) -> Router {
    let (router, _) = documented(&beacon).split_for_parts();
    router.with_state(beacon)
}

/// What the common layers need to know of Beacon.
pub fn options(beacon: &Beacon) -> ServeOptions {
    let context = &beacon.0.context;
    let (_, document) = documented(beacon).split_for_parts();
    ServeOptions::new("Beacon", DEFAULT_PORT)
        .limits(limits())
        .health(Health::new(context).dependency("core").dependency("codex").degraded_is_503(true))
        .openapi(document)
        .body_limit(64 * 1024)
}

fn documented(beacon: &Beacon) -> OpenApiRouter<Beacon> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(api::router())
        .merge(pages::router())
        .merge(display::router(beacon))
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
        .route(Methods::Any, "/displays", &[(60, Per::Minute)])
        .route(Methods::Any, "/insight/{view_slug}", &[(60, Per::Minute)])
        // What an open stream sends is no request, and opening it no poll; how many are open is counted by `places`.
        .route(Methods::Any, "/api/stream/{view_slug}", &[(OPENINGS, Per::Minute)])
        // Screens have no user: their requests are counted for their link (display/mod.rs).
        .route(Methods::Any, "/display", &[])
        .route(Methods::Any, "/display/*", &[])
        .exempt("/")
        .exempt("/static/*")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the windows count is tested where they are made; a day is too long to wait for here.
    #[test]
    fn two_hundred_a_day_and_fifty_an_hour_are_the_limits_of_a_user() {
        assert!(format!("{:?}", limits()).starts_with("Limits { default: [(200, Day), (50, Hour)],"));
    }
}
