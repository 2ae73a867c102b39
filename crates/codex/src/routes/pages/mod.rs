//! HTML pages (codex-pages.md).

pub mod billing_plans;
pub mod companies;
pub mod company;
pub mod company_lines;
pub mod dashboard;
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
    Asset::new("js/call.js", include_bytes!("../../../static/js/call.js")),
    Asset::new("js/companies.js", include_bytes!("../../../static/js/companies.js")),
    Asset::new("js/company.js", include_bytes!("../../../static/js/company.js")),
    Asset::new("js/dashboard.js", include_bytes!("../../../static/js/dashboard.js")),
    Asset::new("js/forms.js", include_bytes!("../../../static/js/forms.js")),
    Asset::new("js/list.js", include_bytes!("../../../static/js/list.js")),
    Asset::new("js/settings.js", include_bytes!("../../../static/js/settings.js")),
    Asset::new("js/time.js", include_bytes!("../../../static/js/time.js")),
    Asset::new("js/billing_plans.js", include_bytes!("../../../static/js/billing_plans.js")),
];

/// All pages and their scripts.
pub fn router() -> Router<Codex> {
    Router::new()
        .route("/", get(dashboard::page))
        .route("/settings", get(settings::page))
        .route("/companies/", get(companies::page))
        .route("/companies", get(companies_root))
        .route("/companies/{account_number}", get(company::page))
        .merge(billing_plans::router())
        .merge(assets::router(ASSETS))
}

/// JSON and files of the pages, with their documentation.
pub fn documented() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(companies::search)).routes(routes!(companies::export))
}

/// List roots end in a slash (codex-pages.md §1.1).
async fn companies_root(_: UserOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/companies/", page.prefix)).into_response()
}
