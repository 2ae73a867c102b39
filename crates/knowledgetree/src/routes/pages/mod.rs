//! HTML handlers and their view models.

use axum::Router;

use crate::KnowledgeTree;

/// All pages.
pub fn router() -> Router<KnowledgeTree> {
    Router::new()
}
