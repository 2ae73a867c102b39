//! `GET /billing-plans/`: plans with their prices and features, and what can be chosen (codex-pages.md §7). Administrators
//! edit; everybody else reads, a `client` the plans of its own companies.

mod forms;
mod upload;
mod view;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use hivematrix_shared::{
    auth::PermissionLevel,
    extract::LenientQuery,
    pages::Page,
    problem::{Problem, Result},
};
use http::header;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::view::{CategoryCard, PlanCard, Unlisted};
use crate::{
    Codex,
    domain::plans::{PRICES, TERMS},
    routes::{
        api::reader::Reader,
        flash::{self, Flash, Flashes},
    },
};

/// The page.
pub fn router() -> Router<Codex> {
    Router::new().route("/billing-plans/", get(page)).route("/billing-plans", get(root))
}

/// Its forms, with their documentation.
pub fn documented() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(forms::create))
        .routes(routes!(forms::save))
        .routes(routes!(forms::delete))
        .routes(routes!(forms::copy_terms))
        .routes(routes!(upload::import))
        .routes(routes!(forms::add_category))
        .routes(routes!(forms::rename_category))
        .routes(routes!(forms::delete_category))
        .routes(routes!(forms::add_option))
        .routes(routes!(forms::edit_option))
        .routes(routes!(forms::delete_option))
}

/// What of the page is shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PlansQuery {
    /// `features` for the options.
    tab: Option<String>,
    /// A part of the plan's name.
    search: Option<String>,
    /// The plan that is open.
    plan: Option<String>,
}

#[derive(Template)]
#[template(path = "billing_plans.html")]
struct PlansPage {
    page: Page,
    flashes: Vec<Flash>,
    may_edit: bool,
    /// Whether a customer reads: its own plans, and no options.
    is_client: bool,
    on_features: bool,
    search: String,
    total: usize,
    plans: Vec<PlanCard>,
    names: Vec<String>,
    categories: Vec<CategoryCard>,
    unlisted: Vec<Unlisted>,
    prices: [(&'static str, &'static str); 11],
    terms: String,
}

async fn page(
    State(codex): State<Codex>,
    reader: Reader,
    Flashes(flashes): Flashes,
    LenientQuery(query): LenientQuery<PlansQuery>,
    page: Page,
) -> Result<Response> {
    let person = reader.caller.acting_user().filter(|_| reader.caller.service_name().is_none());
    let may_edit = person.is_some_and(|user| user.permission_level == PermissionLevel::Admin);
    let search = query.search.unwrap_or_default().trim().to_owned();
    let data = view::Data::load(&codex, &reader).await?;
    let html = PlansPage {
        page,
        may_edit,
        is_client: !data.whole,
        on_features: data.whole && query.tab.as_deref() == Some("features"),
        total: data.names().len(),
        plans: data.plans(&search, query.plan.as_deref()),
        names: data.names(),
        categories: data.categories(),
        unlisted: if search.is_empty() { data.unlisted() } else { Vec::new() },
        search,
        prices: PRICES,
        terms: TERMS.join(", "),
        flashes: flashes.clone(),
    };
    let mut response = html.render().map(Html).map_err(Problem::internal)?.into_response();
    if !flashes.is_empty()
        && let Some(gone) = flash::COOKIE.gone()
    {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(response)
}

/// List roots end in a slash (codex-pages.md §1.1).
async fn root(_: Reader, page: Page) -> Redirect {
    Redirect::permanent(&format!("{}/billing-plans/", page.prefix))
}
