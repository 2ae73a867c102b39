//! JSON handlers, one file per resource: extract, call, answer (knowledgetree.md §5).

mod admin;
mod body;
mod browse;
mod content;
mod context;
mod files;
mod nodes;
mod search;
mod shapes;
pub(in crate::routes) mod text;
mod trash;
mod versions;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use http::StatusCode;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::KnowledgeTree;

/// Most bytes of a body that is no file: an article in JSON, where a letter may take six.
const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Time for what only reads and changes the tree; files take longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// All JSON routes, and files.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
        .merge(search::router())
        .merge(browse::router())
        .merge(nodes::router())
        .merge(versions::router())
        .merge(trash::router())
        .merge(content::router())
        .merge(context::router())
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT))
        .merge(files::router())
        .merge(admin::router())
}
