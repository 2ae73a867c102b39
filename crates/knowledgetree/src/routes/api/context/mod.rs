//! Context: what belongs to a ticket or a company, and context as a text for people and assistants (knowledgetree.md §5.2, §8.3).

mod export;
mod links;

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, Path},
    problem::Result,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{NamedNode, named};
use crate::{
    KnowledgeTree,
    routes::access::{ForReaders, Reader},
};

/// The routes of this folder.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
        .routes(routes!(attached))
        .routes(routes!(attached_alias))
        .routes(routes!(export::whole, export::chosen))
        .routes(routes!(export::chosen_alias))
        .routes(routes!(export::subtree))
        .routes(routes!(export::ticket))
        .routes(routes!(export::company))
        .routes(routes!(links::of_ticket))
        .routes(routes!(links::link_ticket, links::unlink_ticket))
        .routes(routes!(links::of_company))
        .routes(routes!(links::link_company, links::unlink_company))
}

/// Attached folders that a context text may leave out.
#[derive(Serialize, ToSchema)]
struct AttachedFolders {
    /// Children of the item and of those above it, by name.
    attached_folders: Vec<NamedNode>,
}

/// Attached folders that the context text of an item may leave out.
#[utoipa::path(
    get, path = "/api/context/tree/{id}", tag = "context",
    params(("id" = String, Path, description = "Id of the item")),
    responses((status = 200, body = AttachedFolders), ForReaders)
)]
async fn attached(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<AttachedFolders>> {
    let folders = tree.store.attached_folders(&id, reader.visibility).await?;
    Ok(Json(AttachedFolders { attached_folders: named(folders) }))
}

/// The same under the path that upstream's page calls.
#[utoipa::path(
    get, path = "/api/node/{id}/context-tree", tag = "context",
    params(("id" = String, Path, description = "Id of the item")),
    responses((status = 200, body = AttachedFolders), ForReaders)
)]
async fn attached_alias(
    tree: State<KnowledgeTree>,
    reader: Reader,
    id: Path<String>,
) -> Result<Json<AttachedFolders>> {
    attached(tree, reader, id).await
}
