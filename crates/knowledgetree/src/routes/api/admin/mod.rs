//! Administration of the tree as a whole: export, import, wipe (knowledgetree.md §5.4, §10). Syncs have a file of their own.

mod export;
mod import;
mod wipe;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::KnowledgeTree;

/// The routes of this folder.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
        .routes(routes!(wipe::wipe))
        .routes(routes!(export::export))
        .routes(routes!(import::import))
        .layer(DefaultBodyLimit::disable())
}
