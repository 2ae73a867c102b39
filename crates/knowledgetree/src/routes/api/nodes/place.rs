//! Moving, copying, deleting.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    extract::{Json, Path},
    problem::Result,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::name_of;
use crate::{
    KnowledgeTree,
    domain::item::ROOT_ID,
    routes::{
        access::{Editor, ForEditors},
        api::{
            body::OptionalJson,
            shapes::{Saved, Success},
        },
        refused::bad,
    },
    store::{Entity, StoreError},
};

/// Where an item goes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewPlace {
    /// Folder under which it will be.
    #[schema(required)]
    new_parent_id: Option<String>,
}

/// Puts an item with all below it under another folder.
#[utoipa::path(
    post, path = "/api/node/{id}/move", tag = "writing", request_body = NewPlace,
    params(("id" = String, Path, description = "Id of the item")),
    responses(
        (status = 200, body = Success),
        (status = 400, description = "The root, an unknown item, an article as target, or a place inside the item itself"),
        (status = 404, description = "There is no such target"),
        (status = 409, description = "An item there has this name; `existing_id` is it"),
        ForEditors
    )
)]
pub async fn move_to(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path(id): Path<String>,
    Json(body): Json<NewPlace>,
) -> Result<Json<Success>> {
    let Some(target) = body.new_parent_id.filter(|target| !target.is_empty()) else {
        return Err(bad("new_parent_id is required"));
    };
    tree.store.move_to(&id, &target, &by.author()).await.map_err(|error| match error {
        StoreError::Root | StoreError::NotFound { entity: Entity::Item, .. } => {
            bad("Cannot move root or non-existent node").with("id", id.clone())
        }
        error => error.into(),
    })?;
    audit!(user = by.name, item = id, parent = target, "Item moved");
    Ok(Success::answer())
}

/// Where a copy goes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct CopyPlace {
    /// Folder in which the copy will be; that of the original where nothing is said.
    new_parent_id: Option<String>,
    /// Its name; that of the original where nothing is said.
    name: Option<String>,
}

/// Copies an item with all below it. The copy belongs to people: nothing in it is read-only.
#[utoipa::path(
    post, path = "/api/node/{id}/copy", tag = "writing",
    request_body(content = Option<CopyPlace>, content_type = "application/json"),
    params(("id" = String, Path, description = "Id of the item")),
    responses(
        (status = 200, description = "The copy", body = Saved),
        (status = 409, description = "An item there has this name; `existing_id` is it"),
        ForEditors
    )
)]
pub async fn copy(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson<CopyPlace>,
) -> Result<Json<Saved>> {
    let name = body.name.as_deref().map(name_of).transpose()?;
    let place = match body.new_parent_id.filter(|place| !place.is_empty()) {
        Some(place) => place,
        // The root has none, and is refused by the store.
        None => {
            let visibility = crate::domain::item::Visibility::All;
            tree.store.item(&id, visibility).await?.parent_id.unwrap_or_else(|| ROOT_ID.to_owned())
        }
    };
    let made =
        tree.store.copy(&id, &place, name.as_deref(), &by.author()).await.map_err(|error| match error {
            StoreError::Root => bad("The root cannot be copied"),
            StoreError::Cycle => bad("Cannot copy a folder into itself or its descendants"),
            error => error.into(),
        })?;
    audit!(user = by.name, item = id, copy = made.id, parent = place, "Item copied");
    Ok(Saved::answer(made))
}

/// Puts an item with all below it into the trash, from which it can be had back for a time. What is read-only, or has something below
/// it that is, only administrators delete.
#[utoipa::path(
    delete, path = "/api/node/{id}", tag = "writing",
    params(("id" = String, Path, description = "Id of the item")),
    responses((status = 200, body = Success), (status = 400, description = "The root"), ForEditors)
)]
pub async fn delete(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path(id): Path<String>,
) -> Result<Json<Success>> {
    let items = tree.store.trash(&id, &by.author()).await.map_err(|error| match error {
        StoreError::Root => bad("The root cannot be deleted"),
        error => error.into(),
    })?;
    audit!(user = by.name, item = id, items, "Item deleted");
    Ok(Success::answer())
}
