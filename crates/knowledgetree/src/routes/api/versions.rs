//! Former states of items: list, one, what is different, and back to it (knowledgetree.md §16 W41).

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    audit,
    extract::{Json, Path, Query},
    problem::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{body::OptionalJson, nodes::Seen, shapes::Saved, text};
use crate::{
    KnowledgeTree,
    domain::{
        content,
        diff::{self, Diff},
        history::{Version, VersionSummary},
        item::{ContentFormat, Visibility},
    },
    routes::{
        access::{Editor, ForEditors, ForStaff, Staff},
        refused::bad,
    },
    store::StoreError,
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(difference))
        .routes(routes!(restore))
}

/// States of an item.
#[derive(Serialize, ToSchema)]
struct History {
    /// The present one first.
    versions: Vec<StateSummary>,
}

/// A state of an item, without its text.
#[derive(Serialize, ToSchema)]
struct StateSummary {
    /// Number of the state.
    version: i64,
    /// Name then.
    name: String,
    /// Characters of the text then.
    chars: i64,
    /// When this state began, where that is known.
    at: Option<DateTime<Utc>>,
    /// Who made it so, where that is known.
    by: Option<String>,
}

impl From<VersionSummary> for StateSummary {
    fn from(state: VersionSummary) -> Self {
        Self { version: state.version, name: state.name, chars: state.chars, at: state.at, by: state.by }
    }
}

/// States of an item, the present one first.
#[utoipa::path(
    get, path = "/api/node/{id}/versions", tag = "history",
    params(("id" = String, Path, description = "Id of the item")),
    responses((status = 200, body = History), ForStaff)
)]
async fn list(State(tree): State<KnowledgeTree>, _: Staff, Path(id): Path<String>) -> Result<Json<History>> {
    let versions = tree.store.versions(&id, Visibility::All).await?;
    Ok(Json(History { versions: versions.into_iter().map(StateSummary::from).collect() }))
}

/// A state of an item.
#[derive(Serialize, ToSchema)]
struct StateView {
    /// Number of the state.
    version: i64,
    /// Name then.
    name: String,
    /// Text then, as it was stored.
    content: String,
    /// `markdown`, `html`, or nothing, which means Markdown.
    #[schema(value_type = Option<String>)]
    content_format: Option<ContentFormat>,
    /// The text as sanitised HTML.
    content_html: String,
    /// Why the HTML is not the whole text, or not as it is meant.
    note: Option<&'static str>,
    /// Attached folder then.
    is_attached: bool,
    /// When this state began, where that is known.
    at: Option<DateTime<Utc>>,
    /// Who made it so, where that is known.
    by: Option<String>,
}

/// A state of an item, the present one or a former one.
#[utoipa::path(
    get, path = "/api/node/{id}/versions/{version}", tag = "history",
    params(
        ("id" = String, Path, description = "Id of the item"),
        ("version" = i64, Path, description = "Number of the state")
    ),
    responses((status = 200, body = StateView), ForStaff)
)]
async fn one(
    State(tree): State<KnowledgeTree>,
    _: Staff,
    Path((id, version)): Path<(String, i64)>,
) -> Result<Json<StateView>> {
    let state = tree.store.version(&id, version, Visibility::All).await?;
    let format = state.content_format.unwrap_or_default();
    let rendered = text::render(format, state.content.clone(), true).await?;
    Ok(Json(StateView {
        version: state.version,
        name: state.name,
        content: state.content,
        content_format: state.content_format,
        content_html: rendered.html,
        note: rendered.note,
        is_attached: state.is_attached,
        at: state.at,
        by: state.by,
    }))
}

/// With which state to compare.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Against {
    /// Number of the other state; the present one where nothing is said.
    with: Option<i64>,
}

/// What is different between two states.
#[derive(Serialize, ToSchema)]
struct Difference {
    /// Number of the older state.
    from: i64,
    /// Number of the newer state.
    to: i64,
    /// Name in the older state.
    from_name: String,
    /// Name in the newer state.
    to_name: String,
    /// Whether the two are written in different ways; then both are compared as Markdown.
    is_converted: bool,
    /// Lines that are different.
    #[serde(flatten)]
    #[schema(inline)]
    diff: Diff,
}

/// What is different between two states of an item, line by line.
#[utoipa::path(
    get, path = "/api/node/{id}/versions/{version}/diff", tag = "history",
    params(
        ("id" = String, Path, description = "Id of the item"),
        ("version" = i64, Path, description = "Number of the state"),
        Against
    ),
    responses((status = 200, body = Difference), ForStaff)
)]
async fn difference(
    State(tree): State<KnowledgeTree>,
    _: Staff,
    Path((id, version)): Path<(String, i64)>,
    Query(against): Query<Against>,
) -> Result<Json<Difference>> {
    let one = tree.store.version(&id, version, Visibility::All).await?;
    let other = match against.with {
        Some(other) => tree.store.version(&id, other, Visibility::All).await?,
        None => {
            let present = tree.store.item(&id, Visibility::All).await?.version;
            tree.store.version(&id, present, Visibility::All).await?
        }
    };
    let (old, new) = if one.version <= other.version { (one, other) } else { (other, one) };
    let bytes = old.content.len() + new.content.len();
    let difference = text::work(bytes, move || {
        let is_converted = old.content_format.unwrap_or_default() != new.content_format.unwrap_or_default();
        let text = |state: &Version| match state.content_format.unwrap_or_default() {
            format if is_converted => content::markdown(format, &state.content).into_owned(),
            _ => state.content.clone(),
        };
        let diff = diff::diff(&text(&old), &text(&new));
        Difference {
            from: old.version,
            to: new.version,
            from_name: old.name,
            to_name: new.name,
            is_converted,
            diff,
        }
    });
    Ok(Json(difference.await?))
}

/// Makes the text of a former state the present one; name and place stay, and the present text becomes a former one.
#[utoipa::path(
    post, path = "/api/node/{id}/versions/{version}/restore", tag = "history",
    request_body(content = Option<Seen>, content_type = "application/json"),
    params(
        ("id" = String, Path, description = "Id of the item"),
        ("version" = i64, Path, description = "Number of the state")
    ),
    responses(
        (status = 200, body = Saved),
        (status = 409, description = "The item has changed meanwhile; `current` tells what it is now"),
        ForEditors
    )
)]
async fn restore(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path((id, version)): Path<(String, i64)>,
    OptionalJson(seen): OptionalJson<Seen>,
) -> Result<Json<Saved>> {
    let former = tree.store.version(&id, version, Visibility::All).await?;
    let format = former.content_format.unwrap_or_default();
    let bytes = former.content.len();
    let links = text::work(bytes, move || content::item_links(format, &former.content)).await?;
    let restored = tree.store.restore_version(&id, version, links, seen.expected(), &by.author()).await;
    let item = restored.map_err(|error| match error {
        StoreError::Root => bad("The root cannot be renamed"),
        error => error.into(),
    })?;
    audit!(user = by.name, item = id, from = version, version = item.version, "Former text restored");
    Ok(Saved::answer(item))
}
