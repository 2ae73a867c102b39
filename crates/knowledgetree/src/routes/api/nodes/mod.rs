//! Items: reading one, making, changing, moving, copying, deleting (knowledgetree.md §5, §6).

mod change;
mod create;
mod place;

pub use self::change::Seen;

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, Path},
    pages::Page,
    problem::{Problem, Result},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    shapes::{NamedNode, NodeFile, StoredNode, named},
    text,
};
use crate::{
    KnowledgeTree,
    domain::{item::ContentFormat, names},
    routes::{
        access::{ForReaders, Reader},
        refused::wrong,
    },
};

/// The routes of this folder.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(one, change::change, place::delete))
        .routes(routes!(place::move_to))
        .routes(routes!(place::copy))
        .routes(routes!(back_links))
}

/// A name that somebody chose, as it is stored.
pub fn name_of(chosen: &str) -> Result<String, Problem> {
    names::check(chosen).map(str::to_owned).map_err(|error| wrong("name", error.to_string()))
}

/// An item with its text in every form, and its files.
#[derive(Serialize, ToSchema)]
struct NodeView {
    #[serde(flatten)]
    node: StoredNode,
    /// The text as sanitised HTML.
    content_html: String,
    /// The text as Markdown: its source, or converted from HTML.
    content_markdown: String,
    /// Why the HTML is not the whole text, or not as it is meant; such a text must not be edited by way of the HTML.
    note: Option<&'static str>,
    /// Files, by original name.
    files: Vec<NodeFile>,
}

/// An item with its text, and its files.
#[utoipa::path(
    get, path = "/api/node/{id}", tag = "reading",
    params(("id" = String, Path, description = "Id of the item")),
    responses((status = 200, body = NodeView), ForReaders)
)]
async fn one(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    page: Page,
    Path(id): Path<String>,
) -> Result<Json<NodeView>> {
    let item = tree.store.item(&id, reader.visibility).await?;
    let files = tree.store.files(&id, reader.visibility).await?;
    let format = item.content_format.unwrap_or(ContentFormat::Markdown);
    let (html, content_markdown) = text::show(format, item.content.clone()).await?;
    Ok(Json(NodeView {
        node: StoredNode::of(item, reader),
        content_html: html.html,
        content_markdown,
        note: html.note,
        files: files.into_iter().map(|file| NodeFile::of(file, reader, &page.prefix)).collect(),
    }))
}

/// What links to an item.
#[derive(Serialize, ToSchema)]
struct BackLinks {
    /// Articles, by name.
    back_links: Vec<NamedNode>,
}

/// Articles that link to an item.
#[utoipa::path(
    get, path = "/api/node/{id}/back-links", tag = "reading",
    params(("id" = String, Path, description = "Id of the item")),
    responses((status = 200, body = BackLinks), ForReaders)
)]
async fn back_links(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<BackLinks>> {
    let links = tree.store.back_links(&id, reader.visibility).await?;
    Ok(Json(BackLinks { back_links: named(links) }))
}
