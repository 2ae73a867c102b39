//! HTML routes and the page's scripts.

pub mod board;
mod displays;
mod insight;
mod row;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::pages::{Page, assets::Asset};
use http::{StatusCode, header};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::row::{Due, Moment, Row, prefix};
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
    "banners.js",
    "dialog.js",
    "displays.js",
    "filter.js",
    "hints.js",
    "main.js",
    "refresh.js",
    "rows.js",
    "sort.js",
    "store.js",
    "sync.js",
    "time.js"
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
