//! Texts that are not stored yet: the editor's preview, and its change from one way of writing to the other.

use hivematrix_shared::{
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::text;
use crate::{
    KnowledgeTree,
    domain::{content::MAX_BYTES, item::ContentFormat},
    routes::access::{ForReaders, Reader},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new().routes(routes!(preview)).routes(routes!(convert))
}

/// A text.
#[derive(Debug, Deserialize, ToSchema)]
struct Draft {
    /// The text.
    content: String,
    /// How it is written: `markdown` where nothing is said, or `html`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    content_format: ContentFormat,
}

/// A text that is shorter than the longest that can be stored.
fn short_enough(text: String) -> Result<String> {
    if text.len() <= MAX_BYTES {
        return Ok(text);
    }
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE).error("The text is too long").with("field", "content"))
}

/// A text as a page shows it.
#[derive(Serialize, ToSchema)]
struct Preview {
    /// Sanitised, with code in colours.
    content_html: String,
    /// Why this is not the whole text, or not as it is meant.
    note: Option<&'static str>,
}

/// Shows a text as it will look, without storing it.
#[utoipa::path(
    post, path = "/api/content/preview", tag = "content", request_body = Draft,
    responses((status = 200, body = Preview), ForReaders)
)]
async fn preview(_: Reader, Json(draft): Json<Draft>) -> Result<Json<Preview>> {
    let text = short_enough(draft.content)?;
    let rendered = text::render(draft.content_format, text, true).await?;
    Ok(Json(Preview { content_html: rendered.html, note: rendered.note }))
}

/// A text to be written in another way.
#[derive(Debug, Deserialize, ToSchema)]
struct Conversion {
    /// The text.
    content: String,
    /// How it is written: `markdown` or `html`.
    #[schema(value_type = String)]
    from: ContentFormat,
    /// How it is to be written: `markdown` or `html`.
    #[schema(value_type = String)]
    to: ContentFormat,
}

/// A text in the way of writing that was asked for.
#[derive(Serialize, ToSchema)]
struct Converted {
    /// The text; HTML is sanitised.
    content: String,
    /// How it is written.
    #[schema(value_type = String)]
    content_format: ContentFormat,
    /// Why this is not the whole text, or not as it is meant; then it must not be stored instead.
    note: Option<&'static str>,
}

/// Writes a text in another way, for an editor that changes its mode: Markdown as HTML, HTML as Markdown.
#[utoipa::path(
    post, path = "/api/content/convert", tag = "content", request_body = Conversion,
    responses((status = 200, body = Converted), ForReaders)
)]
async fn convert(_: Reader, Json(conversion): Json<Conversion>) -> Result<Json<Converted>> {
    let Conversion { content, from, to } = conversion;
    let text = short_enough(content)?;
    let (content, note) = match to {
        ContentFormat::Html => {
            let rendered = text::render(from, text, false).await?;
            (rendered.html, rendered.note)
        }
        ContentFormat::Markdown => {
            let note = match from {
                ContentFormat::Markdown => None,
                ContentFormat::Html => text::render(from, text.clone(), false).await?.note,
            };
            (text::markdown(from, text).await?, note)
        }
    };
    Ok(Json(Converted { content, content_format: to, note }))
}
