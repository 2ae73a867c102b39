//! New items.

use axum::extract::State;
use hivematrix_shared::{audit, extract::Json, problem::Result};
use serde::Deserialize;
use utoipa::ToSchema;

use super::name_of;
use crate::{
    KnowledgeTree,
    domain::item::{ContentFormat, NewItem},
    routes::{
        access::{Editor, ForEditors},
        api::{shapes::Saved, text},
        refused::{bad, wrong},
    },
    store::StoreError,
};

/// A new item.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewNode {
    /// Folder in which it will be.
    #[schema(required)]
    parent_id: Option<String>,
    /// Name: 1 to 255 characters, no `/`, no control characters, not `.` or `..`.
    #[schema(required)]
    name: Option<String>,
    /// A folder, or an article where nothing is said.
    is_folder: Option<bool>,
    /// An attached folder; without meaning for articles.
    is_attached: Option<bool>,
    /// Text of the article.
    content: Option<String>,
    /// How the text is written: `markdown` where nothing is said, or `html`, which is sanitised.
    #[schema(value_type = Option<String>)]
    content_format: Option<ContentFormat>,
}

/// Makes a folder or an article.
#[utoipa::path(
    post, path = "/api/node", tag = "writing", request_body = NewNode,
    responses(
        (status = 200, body = Saved),
        (status = 404, description = "There is no such parent"),
        (status = 409, description = "A sibling has this name; `existing_id` is it"),
        ForEditors
    )
)]
pub async fn create(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Json(body): Json<NewNode>,
) -> Result<Json<Saved>> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (Some(parent_id), Some(name)) = (given(body.parent_id), given(body.name)) else {
        return Err(bad("parent_id and name are required"));
    };
    let name = name_of(&name)?;
    let is_folder = body.is_folder.unwrap_or_default();
    let content = given(body.content);
    if is_folder && content.is_some() {
        return Err(wrong("content", "A folder has no text"));
    }
    let content = match (content, body.content_format) {
        (None, None) => None,
        (text, format) => Some(text::accept(format.unwrap_or_default(), text.unwrap_or_default()).await?),
    };
    let item = NewItem {
        parent_id,
        name,
        is_folder,
        is_attached: body.is_attached.unwrap_or_default(),
        content: content.filter(|_| !is_folder),
    };
    let made = tree.store.create(&item, &by.author()).await.map_err(|error| match error {
        StoreError::NotAFolder { id } => bad("Parent must be a folder").with("id", id),
        error => error.into(),
    })?;
    audit!(
        user = by.name,
        item = made.id,
        name = made.name,
        parent = item.parent_id,
        is_folder,
        "Item created"
    );
    Ok(Saved::answer(made))
}
