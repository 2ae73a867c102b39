//! One search over companies, contacts and devices (codex-pages.md §10), as a page and as JSON.

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::UserOnly,
    extract::{Json, LenientQuery},
    pages::Page,
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Codex,
    routes::api::{reader::Reader, refusals::ForReaders},
    store::search::{self, Hit, MOST},
};

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
    id: String,
    /// Name.
    name: String,
    /// What tells it from others of that name.
    note: String,
    /// Whether a contact is active or a device is online.
    active: bool,
    /// Path of its page in Codex.
    path: String,
}

/// What was found of a kind.
#[derive(Serialize, ToSchema)]
pub struct FoundKind {
    /// The first ones, at most 20.
    items: Vec<FoundHit>,
    /// Whether there are more.
    more: bool,
}

/// What was found.
#[derive(Serialize, ToSchema)]
pub struct FoundAll {
    success: bool,
    /// The text as it was searched.
    q: String,
    companies: FoundKind,
    contacts: FoundKind,
    assets: FoundKind,
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

async fn found(codex: &Codex, reader: &Reader, query: &SearchQuery) -> Result<FoundAll> {
    let q = query.text();
    let hits = search::everywhere(&codex.pool, &q, reader.scope.account_numbers()).await?;
    Ok(FoundAll {
        success: true,
        q,
        companies: FoundKind::of(&hits, "company", "companies"),
        contacts: FoundKind::of(&hits, "contact", "contacts"),
        assets: FoundKind::of(&hits, "asset", "assets"),
    })
}

/// Companies, contacts and devices that contain a text, at most 20 of each.
#[utoipa::path(get, path = "/api/search", tag = "search", params(SearchQuery), responses(
    (status = 200, body = FoundAll), ForReaders
))]
pub async fn search(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<SearchQuery>,
) -> Result<Json<FoundAll>> {
    Ok(Json(found(&codex, &reader, &query).await?))
}

/// A kind as the page shows it.
struct Group {
    title: &'static str,
    icon: &'static str,
    /// The list of that kind.
    list: &'static str,
    found: FoundKind,
    /// Words for the state of a hit: in use, not in use. Empty where all are alike.
    states: (&'static str, &'static str),
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    page: Page,
    q: String,
    groups: Vec<Group>,
}

impl SearchPage {
    fn list_link(&self, list: &str) -> String {
        let search: String = url::form_urlencoded::byte_serialize(self.q.as_bytes()).collect();
        format!("{}/{list}/?search={search}", self.page.prefix)
    }

    fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.found.items.is_empty())
    }
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<SearchQuery>,
    page: Page,
) -> Result<Html<String>> {
    let all = found(&codex, &reader, &query).await?;
    let group = |title, icon, list, found, states| Group { title, icon, list, found, states };
    let html = SearchPage {
        groups: vec![
            group("Companies", "building-2", "companies", all.companies, ("", "")),
            group("Contacts", "users", "contacts", all.contacts, ("", "Inactive")),
            group("Devices", "hard-drive", "assets", all.assets, ("Online", "Offline")),
        ],
        q: all.q,
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}
