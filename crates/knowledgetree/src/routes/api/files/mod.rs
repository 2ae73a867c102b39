//! Files of items: upload, download, removal (knowledgetree.md §7).

mod download;
mod upload;

pub use upload::{broken, no_form};

use axum::extract::{DefaultBodyLimit, State};
use hivematrix_shared::{
    audit,
    extract::{Json, Path},
    problem::Result,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::Success;
use crate::{
    KnowledgeTree,
    domain::files::Kind,
    routes::access::{Editor, ForEditors},
};

/// The routes of this folder. A file is counted while it comes, so no other limit stands before it than that of the service.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
        .routes(routes!(upload::upload))
        .routes(routes!(upload::upload_alias))
        .routes(routes!(download::download))
        .routes(routes!(remove))
        .layer(DefaultBodyLimit::disable())
}

/// Whether a browser shows the file by itself.
pub fn is_shown(filename: &str) -> bool {
    Kind::of_name(filename).is_some_and(Kind::is_shown)
}

/// Removes a file of an item for ever.
#[utoipa::path(
    delete, path = "/api/files/{file_id}", tag = "files",
    params(("file_id" = String, Path, description = "Id of the file")),
    responses((status = 200, body = Success), ForEditors)
)]
async fn remove(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path(file_id): Path<String>,
) -> Result<Json<Success>> {
    let file = tree.store.delete_file(&file_id).await?;
    audit!(user = by.name, file = file_id, name = file.original_filename, "File removed");
    tree.files.forget(tree.store.as_ref(), &[file]).await;
    Ok(Success::answer())
}
