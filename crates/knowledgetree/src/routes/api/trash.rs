//! What was deleted and can be had back (knowledgetree.md §6 "Trash").

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{
    audit,
    extract::{Json, Path},
    problem::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::OptionalJson,
    nodes::name_of,
    shapes::{Saved, Success},
};
use crate::{
    KnowledgeTree,
    domain::trash::TrashEntry,
    routes::access::{Administrator, Editor, ForAdministrators, ForEditors, ForStaff, Staff},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(restore)).routes(routes!(purge))
}

/// What is in the trash.
#[derive(Serialize, ToSchema)]
struct Trash {
    /// Topmost items, the latest first.
    items: Vec<TrashedNode>,
    /// Days that they stay.
    retention_days: u16,
}

/// A deleted item with all that was below it.
#[derive(Serialize, ToSchema)]
struct TrashedNode {
    /// Id of the topmost item.
    id: String,
    /// Its name.
    name: String,
    /// Folder or article.
    is_folder: bool,
    /// Where it was.
    former_parent_id: Option<String>,
    /// Name of that place, while it is there.
    former_parent_name: Option<String>,
    /// When it was deleted.
    trashed_at: DateTime<Utc>,
    /// Who deleted it.
    trashed_by: Option<String>,
    /// Items in it, itself included.
    items: i64,
    /// Whether a sync deleted it, since it is gone at its source.
    by_sync: bool,
    /// From when on it may be gone for ever; never by itself where a sync deleted it together with notes of people.
    expires_at: Option<DateTime<Utc>>,
}

impl TrashedNode {
    fn of(entry: TrashEntry, retention_days: u16) -> Self {
        let stays = entry.by_sync && entry.own_items > 0;
        let expires_at = entry.trashed_at.checked_add_signed(TimeDelta::days(retention_days.into()));
        Self {
            id: entry.id,
            name: entry.name,
            is_folder: entry.is_folder,
            former_parent_id: entry.former_parent_id,
            former_parent_name: entry.former_parent_name,
            trashed_at: entry.trashed_at,
            trashed_by: entry.trashed_by,
            items: entry.items,
            by_sync: entry.by_sync,
            expires_at: expires_at.filter(|_| !stays),
        }
    }
}

/// What is in the trash.
#[utoipa::path(get, path = "/api/trash", tag = "trash", responses((status = 200, body = Trash), ForStaff))]
async fn list(State(tree): State<KnowledgeTree>, _: Staff) -> Result<Json<Trash>> {
    let retention_days = tree.trash_days;
    let entries = tree.store.trashed().await?;
    let items = entries.into_iter().map(|entry| TrashedNode::of(entry, retention_days)).collect();
    Ok(Json(Trash { items, retention_days }))
}

/// How an item comes back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Restoring {
    /// Its new name, where the old one is taken.
    name: Option<String>,
}

/// Puts a deleted item with all that was below it back where it was, or under the root where that place is gone.
#[utoipa::path(
    post, path = "/api/trash/{id}/restore", tag = "trash",
    request_body(content = Option<Restoring>, content_type = "application/json"),
    params(("id" = String, Path, description = "Id of the topmost item")),
    responses(
        (status = 200, description = "The item", body = Saved),
        (status = 409, description = "An item there has this name; `existing_id` is it"),
        ForEditors
    )
)]
async fn restore(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson<Restoring>,
) -> Result<Json<Saved>> {
    let name = body.name.as_deref().map(name_of).transpose()?;
    let item = tree.store.restore(&id, name.as_deref(), &by.author()).await?;
    audit!(
        user = by.name,
        item = id,
        name = item.name,
        parent = item.parent_id,
        "Item restored from the trash"
    );
    Ok(Saved::answer(item))
}

/// Removes a deleted item with all that was below it for ever, history and files too.
#[utoipa::path(
    delete, path = "/api/trash/{id}", tag = "trash",
    params(("id" = String, Path, description = "Id of the topmost item")),
    responses((status = 200, body = Success), ForAdministrators)
)]
async fn purge(
    State(tree): State<KnowledgeTree>,
    Administrator(by): Administrator,
    Path(id): Path<String>,
) -> Result<Json<Success>> {
    let purged = tree.store.purge(&id).await?;
    audit!(
        user = by.name,
        item = id,
        items = purged.items,
        files = purged.files.len(),
        "Item removed for ever"
    );
    tree.files.forget(tree.store.as_ref(), &purged.files).await;
    Ok(Success::answer())
}
