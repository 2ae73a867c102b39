//! `GET /companies/`: all companies, searchable by name and number.

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::UserOnly,
    contracts::codex::Company,
    extract::LenientQuery,
    pages::Page,
    problem::{Problem, Result},
};
use serde::Deserialize;

use crate::{Codex, routes::api::reader::Reader, store::companies};

/// Companies on one page.
const PER_PAGE: i64 = 50;

/// What is listed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    search: Option<String>,
    page: Option<i64>,
}

#[derive(Template)]
#[template(path = "companies.html")]
struct CompaniesPage {
    page: Page,
    search: String,
    companies: Vec<Company>,
    total: i64,
    number: i64,
    pages: i64,
    /// Whether the reader is a client of whom no company is known.
    unlinked: bool,
}

impl CompaniesPage {
    /// Address of another page of the same search.
    fn link(&self, number: i64) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("search", &self.search)
            .append_pair("page", &number.to_string())
            .finish();
        format!("{}/companies/?{query}", self.page.prefix)
    }

    fn previous(&self) -> Option<String> {
        (self.number > 1).then(|| self.link(self.number - 1))
    }

    fn next(&self) -> Option<String> {
        (self.number < self.pages).then(|| self.link(self.number + 1))
    }
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    page: Page,
) -> Result<Html<String>> {
    let search = query.search.unwrap_or_default().trim().to_owned();
    let number = query.page.unwrap_or(1).max(1);
    let selection = companies::Selection {
        only: reader.scope.account_numbers(),
        search: &search,
        limit: Some(PER_PAGE),
        offset: (number - 1).saturating_mul(PER_PAGE),
    };
    let found = companies::page(&codex.pool, selection).await?;
    let html = CompaniesPage {
        page,
        search,
        companies: found.items,
        total: found.total,
        number,
        pages: (found.total - 1).max(0) / PER_PAGE + 1,
        unlinked: reader.scope.account_numbers().is_some_and(<[String]>::is_empty),
    };
    html.render().map(Html).map_err(Problem::internal)
}
