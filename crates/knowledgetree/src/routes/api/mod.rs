//! JSON handlers, one file per resource.

mod sync;

use utoipa_axum::router::OpenApiRouter;

use crate::KnowledgeTree;

/// All JSON routes.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new().merge(sync::router())
}
