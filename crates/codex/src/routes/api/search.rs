//! One search over companies, contacts and devices (codex-pages.md §10).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, LenientQuery},
    problem::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{reader::Reader, refusals::ForReaders};
use crate::{
    Codex,
    store::search::{self as store_search, Hit, MOST},
};

/// The route of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Longest text that is searched, in characters.
const LONGEST: usize = 200;

/// What is searched.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SearchQuery {
    /// Part of a name, a number or an address, in any case.
    q: Option<String>,
}

impl SearchQuery {
    fn text(&self) -> String {
        let text = self.q.as_deref().unwrap_or_default().replace('\0', "");
        text.trim().chars().take(LONGEST).collect()
    }
}

/// Something that was found.
#[derive(Clone, Serialize, ToSchema)]
pub struct FoundHit {
    /// Account number of a company, Codex's id of the others, as text.
    pub id: String,
    /// Name.
    pub name: String,
    /// What tells it from others of that name.
    pub note: String,
    /// Whether a contact is active or a device is online; `null` when nobody knows.
    pub active: Option<bool>,
    /// Path of its page in Codex.
    pub path: String,
}

/// What was found of a kind.
#[derive(Serialize, ToSchema)]
pub struct FoundKind {
    /// The first ones, at most 20.
    pub items: Vec<FoundHit>,
    /// Whether there are more.
    pub more: bool,
}

/// What was found.
#[derive(Serialize, ToSchema)]
pub struct FoundAll {
    success: bool,
    /// The text as it was searched.
    pub q: String,
    /// Companies.
    pub companies: FoundKind,
    /// Contacts.
    pub contacts: FoundKind,
    /// Devices.
    pub assets: FoundKind,
}

impl FoundKind {
    fn of(hits: &[Hit], kind: &str, list: &str) -> Self {
        let found: Vec<_> = hits.iter().filter(|hit| hit.kind == kind).collect();
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let more = found.len() > most;
        let items = found.into_iter().take(most).map(|hit| {
            let segment: String = url::form_urlencoded::byte_serialize(hit.key.as_bytes()).collect();
            FoundHit {
                id: hit.key.clone(),
                name: hit.name.clone(),
                note: hit.note.clone(),
                active: hit.active,
                path: format!("/{list}/{}", segment.replace('+', "%20")),
            }
        });
        Self { items: items.collect(), more }
    }
}

/// What a reader finds.
///
/// # Errors
/// When the database cannot be read.
pub async fn found(codex: &Codex, reader: &Reader, query: &SearchQuery) -> Result<FoundAll> {
    let q = query.text();
    let hits = store_search::everywhere(&codex.pool, &q, reader.scope.account_numbers()).await?;
    Ok(FoundAll {
        success: true,
        q,
        companies: FoundKind::of(&hits, "company", "companies"),
        contacts: FoundKind::of(&hits, "contact", "contacts"),
        assets: FoundKind::of(&hits, "asset", "assets"),
    })
}

/// Companies, contacts and devices that contain a text, at most 20 of each.
#[utoipa::path(get, path = "/api/search", tag = "search", params(SearchQuery), responses((status = 200, body = FoundAll), ForReaders))]
async fn search(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<SearchQuery>,
) -> Result<Json<FoundAll>> {
    Ok(Json(found(&codex, &reader, &query).await?))
}
