//! Changes of name, text and attachment.

use axum::extract::State;
use chrono::{DateTime, Utc};
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
    domain::item::{ContentFormat, Expected, ItemChange, ROOT_ID, Visibility},
    routes::{
        access::{Editor, ForEditors},
        api::{body::given, shapes::Saved, text},
        refused::{bad, wrong},
    },
    store::StoreError,
};

/// What is to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NodeChange {
    /// New name.
    name: Option<String>,
    /// New text, in the format of `content_format`.
    content: Option<String>,
    /// How `content` is written: `markdown` where nothing is said, or `html`.
    #[schema(value_type = Option<String>)]
    content_format: Option<ContentFormat>,
    /// New text as HTML, which is sanitised; wins over `content`.
    content_html: Option<String>,
    /// Attached folder or not; without meaning for articles.
    is_attached: Option<bool>,
    #[serde(flatten)]
    #[schema(inline)]
    seen: Seen,
}

/// What the editor has seen of the item. With one of these, nothing is changed that has changed since.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct Seen {
    /// `version` as it was read.
    version: Option<i64>,
    /// `updated_at` as it was read, `null` where it was that.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    updated_at: Option<Option<DateTime<Utc>>>,
}

impl Seen {
    /// As the store compares it. The version is the more exact of the two.
    pub fn expected(self) -> Option<Expected> {
        self.version.map(Expected::Version).or(self.updated_at.map(Expected::UpdatedAt))
    }
}

/// Changes an item. With `version` or `updated_at` it is refused where somebody else has changed the item since, and the answer tells
/// what it is now as `current`.
#[utoipa::path(
    put, path = "/api/node/{id}", tag = "writing", request_body = NodeChange,
    params(("id" = String, Path, description = "Id of the item")),
    responses(
        (status = 200, body = Saved),
        (status = 409, description = "A sibling has this name (`existing_id`), or the item has changed meanwhile (`current`)"),
        ForEditors
    )
)]
pub async fn change(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path(id): Path<String>,
    Json(body): Json<NodeChange>,
) -> Result<Json<Saved>> {
    let expected = body.seen.expected();
    let text = match (body.content_html, body.content) {
        (Some(html), _) => Some((ContentFormat::Html, html)),
        (None, content) => content.map(|content| (body.content_format.unwrap_or_default(), content)),
    };
    if body.name.is_none() && text.is_none() && body.is_attached.is_none() {
        return Err(bad("One of name, content, content_html and is_attached is required"));
    }
    let name = body.name.as_deref().map(name_of).transpose()?;
    let content = match text {
        None => None,
        Some((format, text)) => {
            // The store ignores the text of a folder; whoever sends one should know that it is not kept.
            let has_text = id == ROOT_ID || !tree.store.item(&id, Visibility::All).await?.is_folder;
            if !has_text && !text.is_empty() {
                return Err(wrong("content", "A folder has no text"));
            }
            if has_text { Some(text::accept(format, text).await?) } else { None }
        }
    };
    let change = ItemChange { name, content, is_attached: body.is_attached };
    let changed =
        tree.store.update(&id, &change, expected, &by.author()).await.map_err(|error| match error {
            StoreError::Root => bad("The root cannot be renamed"),
            error => error.into(),
        })?;
    audit!(
        user = by.name,
        item = id,
        name = changed.name,
        version = changed.version,
        renamed = change.name.is_some(),
        rewritten = change.content.is_some(),
        "Item changed"
    );
    Ok(Saved::answer(changed))
}
