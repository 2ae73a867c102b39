//! HTML pages (codex-pages.md).

pub mod companies;
pub mod list;
pub mod settings;

use axum::{
    Router,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use hivematrix_shared::{
    auth::UserOnly,
    pages::{
        Page,
        assets::{self, Asset},
    },
};

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Codex;

/// Scripts of the pages.
const ASSETS: &[Asset] = &[
    Asset::new("js/list.js", include_bytes!("../../../static/js/list.js")),
    Asset::new("js/settings.js", include_bytes!("../../../static/js/settings.js")),
    Asset::new("js/time.js", include_bytes!("../../../static/js/time.js")),
];

/// All pages and their scripts.
pub fn router() -> Router<Codex> {
    Router::new()
        .route("/", get(start))
        .route("/settings", get(settings::page))
        .route("/companies/", get(companies::page))
        .route("/companies", get(companies_root))
        .merge(assets::router(ASSETS))
}

/// JSON and files of the pages, with their documentation.
pub fn documented() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(companies::search)).routes(routes!(companies::export))
}

/// The first page of Codex: the companies.
async fn start(_: UserOnly, page: Page) -> Redirect {
    Redirect::to(&format!("{}/companies/", page.prefix))
}

/// List roots end in a slash (codex-pages.md §1.1).
async fn companies_root(_: UserOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/companies/", page.prefix)).into_response()
}
