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
    /// What its address needs to show the same rows: inactive ones are found, and hidden there unless asked for.
    with: &'static str,
    found: FoundKind,
    /// Words for the state of a hit: in use, not in use, unknown. Empty where all are alike.
    states: [&'static str; 3],
}

impl Group {
    /// Class and word of the badge of a hit, when it needs one.
    fn badge(&self, active: &Option<bool>) -> Option<(&'static str, &'static str)> {
        let [in_use, not_in_use, unknown] = self.states;
        let badge = match active {
            Some(true) => ("badge badge--success", in_use),
            Some(false) => ("badge", not_in_use),
            None => ("badge", unknown),
        };
        Some(badge).filter(|(_, word)| !word.is_empty())
    }
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    page: Page,
    q: String,
    groups: Vec<Group>,
}

impl SearchPage {
    fn list_link(&self, group: &Group) -> String {
        let search: String = url::form_urlencoded::byte_serialize(self.q.as_bytes()).collect();
        format!("{}/{}/?search={search}{}", self.page.prefix, group.list, group.with)
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
    let html = SearchPage {
        groups: vec![
            Group {
                title: "Companies",
                icon: "building-2",
                list: "companies",
                with: "&hide_inactive=0",
                found: all.companies,
                states: ["", "", ""],
            },
            Group {
                title: "Contacts",
                icon: "users",
                list: "contacts",
                with: "&show_inactive=1",
                found: all.contacts,
                states: ["", "Inactive", ""],
            },
            Group {
                title: "Assets",
                icon: "hard-drive",
                list: "assets",
                with: "",
                found: all.assets,
                states: ["Online", "Offline", "Unknown"],
            },
        ],
        q: all.q,
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}
