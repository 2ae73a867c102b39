//! HTML pages (codex-pages.md).

pub mod billing_plans;
pub mod companies;
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

use crate::Codex;

/// Scripts of the pages.
const ASSETS: &[Asset] = &[
    Asset::new("js/settings.js", include_bytes!("../../../static/js/settings.js")),
    Asset::new("js/billing_plans.js", include_bytes!("../../../static/js/billing_plans.js")),
];

/// All pages and their scripts.
pub fn router() -> Router<Codex> {
    Router::new()
        .route("/", get(start))
        .route("/settings", get(settings::page))
        .route("/companies/", get(companies::page))
        .route("/companies", get(companies_root))
        .merge(billing_plans::router())
        .merge(assets::router(ASSETS))
}

/// The first page of Codex: the companies.
async fn start(_: UserOnly, page: Page) -> Redirect {
    Redirect::to(&format!("{}/companies/", page.prefix))
}

/// List roots end in a slash (codex-pages.md §1.1).
async fn companies_root(_: UserOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/companies/", page.prefix)).into_response()
}
