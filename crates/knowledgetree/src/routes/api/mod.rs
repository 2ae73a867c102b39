//! JSON handlers, one file per resource.

use utoipa_axum::router::OpenApiRouter;

use crate::KnowledgeTree;

/// All JSON routes.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
}
