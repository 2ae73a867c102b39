//! HTML pages (codex-pages.md).

pub mod admin;
pub mod agents;
pub mod asset;
pub mod assets;
pub mod billing_plans;
pub mod companies;
pub mod company;
pub mod company_lines;
pub mod contact;
pub mod contacts;
pub mod dashboard;
pub mod list;
pub mod parts;
pub mod phone;
pub mod review;
pub mod search;
pub mod settings;

use axum::{
    Router, middleware,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use hivematrix_shared::{
    auth::{AdminOnly, UserOnly},
    pages::{
        Page,
        assets::{self as files, Asset},
        only_people,
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::Codex;

/// Scripts of the pages.
const ASSETS: &[Asset] = &[
    Asset::new("js/admin-parts.js", include_bytes!("../../../static/js/admin-parts.js")),
    Asset::new("js/admin-settings.js", include_bytes!("../../../static/js/admin-settings.js")),
    Asset::new("js/admin-sync.js", include_bytes!("../../../static/js/admin-sync.js")),
    Asset::new("js/agents.js", include_bytes!("../../../static/js/agents.js")),
    Asset::new("js/asset.js", include_bytes!("../../../static/js/asset.js")),
    Asset::new("js/billing_plans.js", include_bytes!("../../../static/js/billing_plans.js")),
    Asset::new("js/company-filter.js", include_bytes!("../../../static/js/company-filter.js")),
    Asset::new("js/company.js", include_bytes!("../../../static/js/company.js")),
    Asset::new("js/contact.js", include_bytes!("../../../static/js/contact.js")),
    Asset::new("js/create.js", include_bytes!("../../../static/js/create.js")),
    Asset::new("js/dashboard.js", include_bytes!("../../../static/js/dashboard.js")),
    Asset::new("js/delete.js", include_bytes!("../../../static/js/delete.js")),
    Asset::new("js/list.js", include_bytes!("../../../static/js/list.js")),
    Asset::new("js/picker.js", include_bytes!("../../../static/js/picker.js")),
    Asset::new("js/review.js", include_bytes!("../../../static/js/review.js")),
    Asset::new("js/settings.js", include_bytes!("../../../static/js/settings.js")),
    Asset::new("js/time.js", include_bytes!("../../../static/js/time.js")),
];

/// All pages and their scripts.
pub fn router() -> Router<Codex> {
    let for_people = Router::new()
        .route("/", get(dashboard::page))
        .route("/settings", get(settings::page))
        .route("/agents", get(agents::page))
        .route("/companies/", get(companies::page))
        .route("/companies", get(companies_root))
        .route("/companies/{account_number}", get(company::page))
        .route("/contacts/", get(contacts::page))
        .route("/contacts", get(contacts_root))
        .route("/contacts/{id}", get(contact::page))
        .route("/assets/", get(assets::page))
        .route("/assets", get(assets_root))
        .route("/assets/{id}", get(asset::page))
        .route("/search", get(search::page))
        .route("/review", get(review::page))
        .route_layer(middleware::from_fn(only_people));
    for_people
        .route("/admin/", get(admin::page))
        .route("/admin", get(admin_root))
        .merge(billing_plans::router())
        .merge(files::router(ASSETS))
        .merge(files::router(files::MODULES))
}

/// JSON and files of the pages, with their documentation.
pub fn documented() -> OpenApiRouter<Codex> {
    billing_plans::documented()
}

/// As for the list roots.
async fn admin_root(_: AdminOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/admin/", page.prefix)).into_response()
}

/// List roots end in a slash (codex-pages.md §1.1).
async fn companies_root(_: UserOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/companies/", page.prefix)).into_response()
}

async fn contacts_root(_: UserOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/contacts/", page.prefix)).into_response()
}

async fn assets_root(_: UserOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/assets/", page.prefix)).into_response()
}
