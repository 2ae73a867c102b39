//! `GET /search`: results of a search, best first, with the places where the words stand.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use hivematrix_shared::{auth::UserOnly, extract::LenientQuery, pages::Page};
use serde::Deserialize;

use super::{
    errors::{Asked, PageResult},
    parts::{Frame, Row, counted},
};
use crate::{
    KnowledgeTree,
    domain::{
        item::ROOT_ID,
        paths,
        search::{HitKind, MAX_LIMIT, Match, SearchHit, SearchQuery, Snippet},
    },
};

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    query: String,
    start_node_id: Option<String>,
    kind: Option<String>,
    company: Option<String>,
}

/// Kinds to choose from: value and words.
const KINDS: [(&str, &str); 6] = [
    ("", "Everything"),
    ("article", "Articles"),
    ("folder", "Folders"),
    ("contact", "Contacts"),
    ("asset", "Devices"),
    ("ticket", "Tickets"),
];

fn kind_of(name: &str) -> Option<HitKind> {
    match name {
        "article" => Some(HitKind::Article),
        "folder" => Some(HitKind::Folder),
        "contact" => Some(HitKind::Contact),
        "asset" => Some(HitKind::Asset),
        "ticket" => Some(HitKind::Ticket),
        _ => None,
    }
}

/// A result.
struct Found {
    row: Row,
    /// The folders it is in.
    place: String,
    /// Pieces of the text, marked or not.
    pieces: Vec<(String, bool)>,
    /// The file in which the words stand.
    file: Option<String>,
    nearly: bool,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    page: Page,
    frame: Frame,
    query: String,
    company: String,
    kind: String,
    start: String,
    found: Vec<Found>,
    /// There may be more.
    is_full: bool,
    /// Nothing fits as it was typed; these fit nearly.
    is_guess: bool,
}

impl SearchPage {
    fn is_kind(&self, name: &str) -> bool {
        self.kind == name
    }

    fn words(&self) -> String {
        let more = if self.is_full { "The best " } else { "" };
        format!("{more}{}", counted(self.found.len(), "result"))
    }
}

/// The page.
pub async fn page(
    State(tree): State<KnowledgeTree>,
    UserOnly(user): UserOnly,
    asked: Asked,
    LenientQuery(query): LenientQuery<Query>,
) -> Response {
    let frame = Frame::new(&asked.page, &user);
    asked.answer(show(&tree, frame, query).await)
}

async fn show(tree: &KnowledgeTree, frame: Frame, query: Query) -> PageResult {
    let start = query.start_node_id.filter(|id| !id.is_empty()).unwrap_or_else(|| ROOT_ID.to_owned());
    let company = query.company.map(|company| company.trim().to_owned()).unwrap_or_default();
    let kind = query.kind.filter(|kind| kind_of(kind).is_some()).unwrap_or_default();
    let search = SearchQuery {
        start: &start,
        limit: MAX_LIMIT,
        include_folders: true,
        kind: kind_of(&kind),
        company: Some(company.as_str()).filter(|company| !company.is_empty()),
        visibility: frame.visibility(),
        ..SearchQuery::new(&query.query)
    };
    let hits = tree.store.search(&search).await?;
    let html = SearchPage {
        page: frame.page.clone(),
        is_full: hits.len() == MAX_LIMIT,
        is_guess: hits.first().is_some_and(|hit| hit.matched == Match::Nearly),
        found: hits.into_iter().map(|hit| found(&frame, hit)).collect(),
        query: query.query,
        company,
        kind,
        start,
        frame,
    }
    .render()?;
    Ok(Html(html).into_response())
}

fn found(frame: &Frame, hit: SearchHit) -> Found {
    let names: Vec<&str> = hit.path.iter().skip(1).map(|step| step.name.as_str()).collect();
    let prefix = &frame.page.prefix;
    let href = if hit.item.is_folder {
        paths::browse_url(prefix, &names)
    } else {
        paths::view_url(prefix, &hit.item.id)
    };
    let folders = names.split_last().map_or(&[][..], |(_, folders)| folders);
    Found {
        place: if folders.is_empty() { "Root".to_owned() } else { folders.join(" / ") },
        pieces: hit.snippet.as_ref().map(pieces).unwrap_or_default(),
        file: hit.file.map(|file| file.name),
        nearly: hit.matched == Match::Nearly,
        row: Row::new(hit.item, href),
    }
}

/// A snippet as texts that are marked or not.
fn pieces(snippet: &Snippet) -> Vec<(String, bool)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut push = |from: usize, to: usize, marked| {
        if let Some(text) = snippet.text.get(from..to).filter(|text| !text.is_empty()) {
            pieces.push((text.to_owned(), marked));
        }
    };
    for (start, end) in &snippet.marks {
        push(at, *start, false);
        push(*start, *end, true);
        at = *end;
    }
    push(at, snippet.text.len(), false);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_falls_into_marked_and_unmarked_pieces() {
        let snippet = Snippet { text: "a printer jam".to_owned(), marks: vec![(2, 9), (10, 13)] };
        let texts = pieces(&snippet);
        let shown: Vec<_> = texts.iter().map(|(text, marked)| (text.as_str(), *marked)).collect();
        assert_eq!(shown, [("a ", false), ("printer", true), (" ", false), ("jam", true)]);
        assert!(pieces(&Snippet::default()).is_empty());
    }
}
