//! HTML pages (ledger-pages.md).

mod accounts;
mod admin;
mod archive;
mod chart;
mod client;
mod clients;
mod compare;
mod dashboard;
mod lines;
mod month;
pub(super) mod parts;
mod pullers;
mod settings;

use askama::Template;
use axum::{
    Router, middleware,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use hivematrix_shared::{
    auth::AdminOnly,
    pages::{
        Page,
        assets::{self as files, Asset},
        only_people,
    },
    problem::{Problem, Result},
};
use http::{StatusCode, header};

use crate::{Ledger, bills::BillError};

/// Scripts of the pages.
const ASSETS: &[Asset] = &[
    Asset::new("js/accounts.js", include_bytes!("../../../static/js/accounts.js")),
    Asset::new("js/admin.js", include_bytes!("../../../static/js/admin.js")),
    Asset::new("js/archive.js", include_bytes!("../../../static/js/archive.js")),
    Asset::new("js/bill.js", include_bytes!("../../../static/js/bill.js")),
    Asset::new("js/clients.js", include_bytes!("../../../static/js/clients.js")),
    Asset::new("js/invoice.js", include_bytes!("../../../static/js/invoice.js")),
    Asset::new("js/jobs.js", include_bytes!("../../../static/js/jobs.js")),
    Asset::new("js/month.js", include_bytes!("../../../static/js/month.js")),
    Asset::new("js/print.js", include_bytes!("../../../static/js/print.js")),
    Asset::new("js/pullers.js", include_bytes!("../../../static/js/pullers.js")),
    Asset::new("js/settings.js", include_bytes!("../../../static/js/settings.js")),
];

/// All pages and their scripts.
pub fn router() -> Router<Ledger> {
    Router::new()
        .route("/", get(dashboard::page))
        .route("/clients", get(clients::page))
        .route("/clients/export", get(clients::export))
        .route("/client/{account_number}", get(client::page))
        .route("/client/{account_number}/settings", get(settings::page).post(settings::save))
        .route("/admin/settings", get(admin::settings_page))
        .route("/admin/accounts", get(accounts::page))
        .route("/admin/device-types", get(admin::device_types_page))
        .route("/admin/changes", get(admin::changes_page))
        .route("/admin/pullers", get(pullers::page))
        .route("/admin/pullers/log/{id}", get(pullers::log_page))
        .route("/admin/pullers/add", post(pullers::add))
        .route("/admin/pullers/edit/{id}", post(pullers::edit))
        .route("/admin/pullers/enable/{id}", post(pullers::enable))
        .route("/admin/pullers/delete/{id}", post(pullers::delete))
        .route("/admin/pullers/run/{id}", post(pullers::run))
        .route("/admin/pullers/cancel/{id}", post(pullers::cancel))
        .route("/archive/", get(archive::page))
        .route("/archive", get(archive::root))
        .route("/archive/compare", get(compare::page))
        .route("/archive/invoice/{invoice_number}", get(client::invoice))
        .route_layer(middleware::from_fn(only_people))
        .route("/admin/plans", get(plans))
        .route("/admin/features", get(plans))
        .merge(files::router(ASSETS))
        .merge(files::router(files::MODULES))
}

/// Plans and features are Codex's (ledger-pages.md §7.1).
async fn plans(_: AdminOnly) -> Response {
    let to = [(header::LOCATION, "/codex/billing-plans")];
    (StatusCode::FOUND, to, Redirect::to("/codex/billing-plans").into_response().into_body()).into_response()
}

/// Why there is no page of a bill, and what to do about it.
#[derive(Template)]
#[template(path = "error.html")]
struct NoBillPage<'a> {
    page: &'a Page,
    title: &'static str,
    message: String,
    /// Where it can be mended.
    company: Option<String>,
    settings: Option<String>,
}

/// The page of a bill that cannot be made (ledger-pages.md §9). What passes by itself is a problem, whose page offers to try again.
fn failed(page: &Page, error: BillError, account_number: &str) -> Result<Response> {
    let number = parts::path_part(account_number);
    let shown = match &error {
        BillError::NoCompany(number) => NoBillPage {
            page,
            title: "Company not found",
            message: format!("Codex knows no company with the account number {number}."),
            company: None,
            settings: None,
        },
        BillError::NoBill(why) => NoBillPage {
            page,
            title: "There is no bill",
            message: format!("The bill cannot be computed: {why}. Check the plan of the company."),
            company: Some(format!("/codex/companies/{number}")),
            settings: Some(format!("/client/{number}/settings")),
        },
        BillError::Codex(_) | BillError::Database(_) | BillError::Stopped => return Err(error.into()),
    };
    let status = Problem::from(error).status();
    Ok((status, Html(shown.render().map_err(Problem::internal)?)).into_response())
}
