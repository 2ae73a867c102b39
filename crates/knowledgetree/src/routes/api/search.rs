//! Searching (knowledgetree.md §5.2, §6).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, Query},
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{NamedNode, below_root};
use crate::{
    KnowledgeTree,
    domain::{
        item::ROOT_ID,
        paths,
        search::{DEFAULT_LIMIT, HitKind, MAX_LIMIT, Match, SearchHit, SearchQuery, Snippet},
    },
    routes::{
        access::{ForReaders, Reader},
        refused::wrong,
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<KnowledgeTree> {
    OpenApiRouter::new().routes(routes!(search))
}

/// What is looked for. Empty parameters count as left out.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct SearchParameters {
    /// Words; every one must be there, the last one at least as a beginning. Nothing in it has a meaning of its own.
    query: Option<String>,
    /// The same under another name, where `query` is not given.
    q: Option<String>,
    /// Only in and below this item: `root` where nothing is said.
    start_node_id: Option<String>,
    /// Most results: 20 where nothing is said, 100 at most.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<String>,
    /// Folders too, by their names: false where nothing is said.
    #[param(value_type = Option<bool>)]
    include_folders: Option<String>,
    /// Only this kind: `folder`, `article`, `contact`, `asset` or `ticket`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only in attached folders (`true`), or only outside them (`false`).
    #[param(value_type = Option<bool>)]
    attached: Option<String>,
    /// Only what belongs to the company with this id or account number.
    company: Option<String>,
}

impl SearchParameters {
    fn text(&self) -> &str {
        given(&self.query).or_else(|| given(&self.q)).unwrap_or_default()
    }

    fn query(&self, reader: Reader) -> Result<SearchQuery<'_>> {
        let limit = match given(&self.limit) {
            None => DEFAULT_LIMIT,
            Some(limit) => {
                let limit: usize =
                    limit.parse().map_err(|_| wrong("limit", "limit must be a whole number"))?;
                limit.clamp(1, MAX_LIMIT)
            }
        };
        Ok(SearchQuery {
            text: self.text(),
            start: given(&self.start_node_id).unwrap_or(ROOT_ID),
            limit,
            include_folders: flag("include_folders", &self.include_folders)?.unwrap_or(false),
            kind: given(&self.kind).map(kind).transpose()?,
            attached: flag("attached", &self.attached)?,
            company: given(&self.company),
            visibility: reader.visibility,
        })
    }
}

/// What a parameter says, if anything.
fn given(parameter: &Option<String>) -> Option<&str> {
    parameter.as_deref().filter(|text| !text.is_empty())
}

fn flag(name: &str, parameter: &Option<String>) -> Result<Option<bool>> {
    match given(parameter).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("true" | "1" | "yes") => Ok(Some(true)),
        Some("false" | "0" | "no") => Ok(Some(false)),
        Some(_) => Err(wrong(name, format!("{name} must be true or false"))),
    }
}

fn kind(name: &str) -> Result<HitKind, Problem> {
    Ok(match name {
        "folder" => HitKind::Folder,
        "article" => HitKind::Article,
        "contact" => HitKind::Contact,
        "asset" => HitKind::Asset,
        "ticket" => HitKind::Ticket,
        _ => return Err(wrong("type", "type must be folder, article, contact, asset or ticket")),
    })
}

/// Something found.
#[derive(Serialize, ToSchema)]
struct FoundNode {
    /// Id.
    id: String,
    /// Name.
    name: String,
    /// Folder or article.
    is_folder: bool,
    /// Attached folder.
    is_attached: bool,
    /// Protected.
    read_only: bool,
    /// From the root's name to its own.
    path_names: Vec<String>,
    /// Names below the root, for people; `root` for the root itself.
    folder_path: String,
    /// The same as a part of an address, encoded.
    url_path: String,
    /// Comparable within one answer and one kind of match; larger is better.
    score: f64,
    /// `words` where every word is there, `name` where the text is a part of the name, `similar` where only words nearly like
    /// those are.
    matched: &'static str,
    /// The place in the text, in pieces; none where only the name fits.
    snippet: Option<Vec<SnippetPart>>,
    /// The file of the item in which it was found.
    file: Option<NamedNode>,
    /// When it last changed, where that is known.
    updated_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// A piece of a snippet: plain text, to be shown as such.
#[derive(Serialize, ToSchema)]
struct SnippetPart {
    /// The text.
    text: String,
    /// Whether it is what was looked for.
    is_match: bool,
}

/// A snippet in pieces, so that nobody has to count bytes.
fn parts(snippet: &Snippet) -> Vec<SnippetPart> {
    let mut parts = Vec::new();
    let mut add = |text: Option<&str>, is_match: bool| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            parts.push(SnippetPart { text: text.to_owned(), is_match });
        }
    };
    let mut done = 0;
    for (start, end) in &snippet.marks {
        add(snippet.text.get(done..*start), false);
        add(snippet.text.get(*start..*end), true);
        done = *end;
    }
    add(snippet.text.get(done..), false);
    parts
}

impl From<SearchHit> for FoundNode {
    fn from(hit: SearchHit) -> Self {
        let names = below_root(&hit.path);
        let (folder_path, url_path) = (paths::folder_path(&names), paths::url_path(&names));
        Self {
            folder_path,
            url_path,
            path_names: hit.path.into_iter().map(|step| step.name).collect(),
            id: hit.item.id,
            name: hit.item.name,
            is_folder: hit.item.is_folder,
            is_attached: hit.item.is_attached,
            read_only: hit.item.read_only,
            // An engine's infinity is no JSON number.
            score: if hit.score.is_finite() { hit.score } else { 0.0 },
            matched: match hit.matched {
                Match::Words => "words",
                Match::NamePart => "name",
                Match::Nearly => "similar",
            },
            snippet: hit.snippet.as_ref().map(parts),
            file: hit.file.map(NamedNode::from),
            updated_at: hit.item.updated_at,
        }
    }
}

/// Articles by their words, the best first; folders by their names where they are asked for.
#[utoipa::path(
    get, path = "/api/search", tag = "reading", params(SearchParameters),
    responses((status = 200, description = "What was found; nothing for no words", body = Vec<FoundNode>), ForReaders)
)]
async fn search(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Query(parameters): Query<SearchParameters>,
) -> Result<Json<Vec<FoundNode>>> {
    let query = parameters.query(reader)?;
    if query.text.trim().is_empty() {
        return Ok(Json(Vec::new()));
    }
    let hits = tree.store.search(&query).await?;
    Ok(Json(hits.into_iter().map(FoundNode::from).collect()))
}
