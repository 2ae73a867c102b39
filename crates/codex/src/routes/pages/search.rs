//! The page of the one search over companies, contacts and devices (codex-pages.md §10).

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::UserOnly,
    extract::LenientQuery,
    pages::Page,
    problem::{Problem, Result},
};

use crate::{
    Codex,
    routes::api::{
        reader::Reader,
        search::{FoundKind, SearchQuery, found},
    },
};

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
            group("Assets", "hard-drive", "assets", all.assets, ("Online", "Offline")),
        ],
        q: all.q,
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}
