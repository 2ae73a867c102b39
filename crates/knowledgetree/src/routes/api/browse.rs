//! Looking around: by path, by id, folders as a tree (knowledgetree.md §5.2).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, Path, Query},
    problem::Result,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{ChildNode, NamedNode, StoredNode, below_root, named};
use crate::{
    KnowledgeTree,
    domain::{
        content,
        listing::{FolderNode, Place},
        paths,
    },
    routes::{
        access::{ForReaders, Reader},
        refused::bad,
    },
    store::{Entity, StoreError},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
        .routes(routes!(by_path))
        .routes(routes!(by_id))
        .routes(routes!(children))
        .routes(routes!(folder))
        .routes(routes!(way))
        .routes(routes!(folders))
}

/// Where to look.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct PathParameter {
    /// Names from below the root, joined by `/`; the root where nothing is said. Slashes at both ends do not count.
    path: String,
}

/// What is at a path.
#[derive(Serialize, ToSchema)]
struct PathListing {
    /// The path, with one slash at its start.
    path: String,
    /// The item at its end.
    current_node: CurrentNode,
    /// Folders in it.
    categories: Vec<Category>,
    /// Articles in it.
    articles: Vec<ArticleSummary>,
}

/// The item at the end of a path.
#[derive(Serialize, ToSchema)]
struct CurrentNode {
    /// Id.
    id: String,
    /// Name.
    name: String,
    /// Folder or article.
    is_folder: bool,
}

/// A folder in a folder.
#[derive(Serialize, ToSchema)]
struct Category {
    /// Name.
    name: String,
    /// Its path, not encoded.
    path: String,
}

/// An article in a folder.
#[derive(Serialize, ToSchema)]
struct ArticleSummary {
    /// Id.
    id: String,
    /// Name.
    title: String,
    /// The first 200 characters of its source, and `...` where there is more.
    summary: String,
}

/// A folder by its path, or an article, which has nothing in it.
#[utoipa::path(
    get, path = "/api/browse", tag = "reading", params(PathParameter),
    responses((status = 200, body = PathListing), (status = 404, description = "No item has this path"), ForReaders)
)]
async fn by_path(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Query(PathParameter { path }): Query<PathParameter>,
) -> Result<Json<PathListing>> {
    let path = format!("/{}", path.trim_matches('/'));
    let missing = || {
        hivematrix_shared::problem::Problem::new(StatusCode::NOT_FOUND)
            .error("Path not found")
            .with("path", path.clone())
    };
    let names = paths::names(&path).map_err(|_| missing())?;
    let listing = match tree.store.browse(Place::Path(&names), true, reader.visibility).await {
        Err(StoreError::NotFound { entity: Entity::Item, .. }) => return Err(missing()),
        listing => listing?,
    };
    let (folders, articles): (Vec<_>, Vec<_>) =
        listing.children.into_iter().partition(|child| child.is_folder);
    let category = |name: String| Category { path: paths::child_path(&path, &name), name };
    let summary = |excerpt: Option<String>| content::summary(&excerpt.unwrap_or_default());
    Ok(Json(PathListing {
        categories: folders.into_iter().map(|folder| category(folder.name)).collect(),
        articles: articles
            .into_iter()
            .map(|article| ArticleSummary {
                id: article.id,
                title: article.name,
                summary: summary(article.excerpt),
            })
            .collect(),
        current_node: CurrentNode {
            id: listing.item.id,
            name: listing.item.name,
            is_folder: listing.item.is_folder,
        },
        path,
    }))
}

/// What is in a folder, with texts.
#[derive(Serialize, ToSchema)]
struct FolderItems {
    /// Folders first, then by name.
    items: Vec<StoredNode>,
}

/// What is in a folder, with texts.
#[utoipa::path(
    get, path = "/api/browse/{folder_id}", tag = "reading",
    params(("folder_id" = String, Path, description = "Id of the folder")),
    responses((status = 200, body = FolderItems), ForReaders)
)]
async fn by_id(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(folder_id): Path<String>,
) -> Result<Json<FolderItems>> {
    let items = tree.store.children_with_content(&folder_id, reader.visibility).await?;
    Ok(Json(FolderItems { items: items.into_iter().map(|item| StoredNode::of(item, reader)).collect() }))
}

/// What is in a folder, without texts: folders first, then by name.
#[utoipa::path(
    get, path = "/api/node/{id}/children", tag = "reading",
    params(("id" = String, Path, description = "Id of the folder")),
    responses((status = 200, body = Vec<ChildNode>), ForReaders)
)]
async fn children(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Vec<ChildNode>>> {
    let children = tree.store.children(&id, reader.visibility).await?;
    Ok(Json(children.into_iter().map(ChildNode::from).collect()))
}

/// A folder with the way to it and what is in it.
#[derive(Serialize, ToSchema)]
struct FolderView {
    /// Id.
    id: String,
    /// Name.
    name: String,
    /// Protected.
    read_only: bool,
    /// Folders first, then by name.
    children: Vec<ChildNode>,
    /// From the root to the folder, both included.
    breadcrumb: Vec<NamedNode>,
    /// Encoded names below the root, joined by `/`; empty for the root.
    url_path: String,
}

/// A folder with the way to it and what is in it.
#[utoipa::path(
    get, path = "/api/node/{id}/browse", tag = "reading",
    params(("id" = String, Path, description = "Id of the folder")),
    responses((status = 200, body = FolderView), (status = 400, description = "It is an article"), ForReaders)
)]
async fn folder(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<FolderView>> {
    let listing = tree.store.browse(Place::Id(&id), false, reader.visibility).await?;
    if !listing.item.is_folder {
        return Err(bad("Not a folder"));
    }
    Ok(Json(FolderView {
        id: listing.item.id,
        name: listing.item.name,
        read_only: listing.item.read_only,
        children: listing.children.into_iter().map(ChildNode::from).collect(),
        url_path: paths::url_path(&below_root(&listing.breadcrumbs)),
        breadcrumb: named(listing.breadcrumbs),
    }))
}

/// The way to an item.
#[derive(Serialize, ToSchema)]
struct Way {
    /// From the root to the item, both included.
    breadcrumb: Vec<NamedNode>,
    /// Encoded names below the root, joined by `/`; empty for the root.
    url_path: String,
    /// Names below the root, for people; `root` for the root.
    folder_path: String,
}

/// The way from the root to an item, folder or article.
#[utoipa::path(
    get, path = "/api/node/{id}/path", tag = "reading",
    params(("id" = String, Path, description = "Id of the item")),
    responses((status = 200, body = Way), ForReaders)
)]
async fn way(State(tree): State<KnowledgeTree>, reader: Reader, Path(id): Path<String>) -> Result<Json<Way>> {
    let way = tree.store.breadcrumbs(&id, reader.visibility).await?;
    let names = below_root(&way);
    let (url_path, folder_path) = (paths::url_path(&names), paths::folder_path(&names));
    Ok(Json(Way { url_path, folder_path, breadcrumb: named(way) }))
}

/// A folder with the folders in it.
#[derive(Serialize, ToSchema)]
struct FolderBranch {
    /// Id.
    id: String,
    /// Name.
    name: String,
    /// Attached folder.
    is_attached: bool,
    /// Protected.
    read_only: bool,
    /// Folders in it, by name.
    #[schema(no_recursion)]
    children: Vec<FolderBranch>,
}

impl From<FolderNode> for FolderBranch {
    fn from(node: FolderNode) -> Self {
        Self {
            id: node.id,
            name: node.name,
            is_attached: node.is_attached,
            read_only: node.read_only,
            children: node.children.into_iter().map(Self::from).collect(),
        }
    }
}

/// All folders, the root outermost.
#[utoipa::path(
    get, path = "/api/folders/tree", tag = "reading",
    responses((status = 200, body = FolderBranch), ForReaders)
)]
async fn folders(State(tree): State<KnowledgeTree>, reader: Reader) -> Result<Json<FolderBranch>> {
    Ok(Json(tree.store.folder_tree(reader.visibility).await?.into()))
}
