//! HTML routes and the page's scripts.

pub mod board;
mod displays;
mod insight;
pub mod modules;
mod row;
mod section;
mod state;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::pages::{Page, assets::Asset};
use http::{StatusCode, header};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::{
    row::{Row, classes},
    state::is_at_rest,
};
use crate::Beacon;

macro_rules! scripts {
    ($($name:literal),+ $(,)?) => {
        /// The page's ES modules, below `/static/`.
        pub const ASSETS: &[Asset] = &[$(Asset::new(
            concat!("js/", $name),
            include_bytes!(concat!("../../../static/js/", $name)),
        )),+];
    };
}

scripts![
    "announce.js",
    "banners.js",
    "changes.js",
    "chime.js",
    "clock.js",
    "controls.js",
    "dialog.js",
    "displays.js",
    "feed-client.js",
    "feed-worker.js",
    "feed.js",
    "filter.js",
    "freshness.js",
    "head.js",
    "heads.js",
    "hints.js",
    "insight.js",
    "keyboard.js",
    "main.js",
    "marks.js",
    "news.js",
    "records.js",
    "refresh-button.js",
    "rotation.js",
    "rows.js",
    "section.js",
    "sla.js",
    "sort.js",
    "sse.js",
    "state.js",
    "store.js",
    "stream.js",
    "sync.js",
    "ticket.js",
    "time.js",
    "timer.js",
    "urgency.js",
    "wall-main.js",
    "wall-rows.js",
    "wall-screen.js",
    "wall-view.js",
    "wall.js",
    "work.js"
];

/// All HTML routes.
pub fn router() -> OpenApiRouter<Beacon> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(board::board))
        .routes(routes!(insight::fragment))
        .routes(routes!(displays::displays))
}

/// Redirects to the default view; carries no data and so needs no token
#[utoipa::path(get, path = "/", tag = "pages", security(()), responses((status = 302, description = "To the default view")))]
async fn start(State(beacon): State<Beacon>, page: Page) -> Response {
    let target = format!("{}/{}", page.prefix, beacon.0.views.default_slug());
    (StatusCode::FOUND, [(header::LOCATION, target)]).into_response()
}
