//! HTML pages, for administrators.

mod chain;
mod dashboard;
mod line;
mod logs;

use axum::{Router, routing::get};
use hivematrix_shared::{
    pages::assets::{self, Asset},
    problem::{Problem, Result},
};

use crate::ServeState;

const ASSETS: &[Asset] = &[
    Asset::new("js/dashboard.js", include_bytes!("../../../static/js/dashboard.js")),
    Asset::new("js/logs.js", include_bytes!("../../../static/js/logs.js")),
];

/// All pages and the files they load.
pub fn router(state: ServeState) -> Router {
    Router::new()
        .route("/", get(dashboard::show))
        .route("/logs", get(logs::show))
        .route("/logs/correlation/{correlation_id}", get(chain::show))
        .with_state(state)
        .merge(assets::router(ASSETS))
}

/// Renders a template.
fn render(template: &impl askama::Template) -> Result<axum::response::Html<String>> {
    template.render().map(axum::response::Html).map_err(Problem::internal)
}
