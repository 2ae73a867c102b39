//! HTML pages (codex-pages.md).

pub mod admin;
pub mod agents;
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
    Asset::new("js/admin-lib.js", include_bytes!("../../../static/js/admin-lib.js")),
    Asset::new("js/admin-settings.js", include_bytes!("../../../static/js/admin-settings.js")),
    Asset::new("js/admin-sync.js", include_bytes!("../../../static/js/admin-sync.js")),
    Asset::new("js/agents.js", include_bytes!("../../../static/js/agents.js")),
    Asset::new("js/settings.js", include_bytes!("../../../static/js/settings.js")),
];

/// All pages and their scripts.
pub fn router() -> Router<Codex> {
    Router::new()
        .route("/", get(start))
        .route("/settings", get(settings::page))
        .route("/admin/", get(admin::page))
        .route("/admin", get(admin_root))
        .route("/agents", get(agents::page))
        .route("/companies/", get(companies::page))
        .route("/companies", get(companies_root))
        .merge(assets::router(ASSETS))
}

/// The first page of Codex: the companies.
async fn start(_: UserOnly, page: Page) -> Redirect {
    Redirect::to(&format!("{}/companies/", page.prefix))
}

/// As for the list roots.
async fn admin_root(page: Page) -> Response {
    Redirect::permanent(&format!("{}/admin/", page.prefix)).into_response()
}

/// List roots end in a slash (codex-pages.md §1.1).
async fn companies_root(_: UserOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/companies/", page.prefix)).into_response()
}
