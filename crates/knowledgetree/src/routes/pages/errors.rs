//! What is shown where a page cannot be: the item is not there (§4), or the store does not answer (§2.5).

use std::convert::Infallible;

use askama::Template;
use axum::{
    extract::FromRequestParts,
    response::{Html, IntoResponse, Response},
};
use hivematrix_shared::{
    pages::{Page, is_navigation},
    problem::Problem,
};
use http::{HeaderValue, StatusCode, header, request::Parts};

use crate::store::StoreError;

/// Seconds after which a store that was away may be back.
const RETRY_SECONDS: u64 = 10;

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// The item is not there, or hidden from the reader.
    Missing,
    /// The store does not answer; why stands in the log.
    Unavailable(String),
    /// Anything else.
    Problem(Problem),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { .. } => Self::Missing,
            StoreError::Unavailable(cause) => Self::Unavailable(cause),
            error => Self::Problem(error.into()),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::Problem(Problem::internal(error))
    }
}

/// What a handler of a page gives back.
pub type PageResult<T = Response> = Result<T, Failure>;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    page: &'a Page,
    title: &'static str,
    status: &'static str,
    icon: &'static str,
    heading: &'static str,
    message: &'static str,
    advice: &'static str,
    /// Where the same can be tried again.
    retry: Option<String>,
}

/// What is asked for and by what, so that a failure is put in the right form.
pub struct Asked {
    /// What a page knows of its request.
    pub page: Page,
    /// The path as it came, not decoded.
    pub raw_path: String,
    is_page: bool,
    address: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let page = Page::of(parts);
        let path = parts.uri.path_and_query().map_or_else(|| parts.uri.path(), |path| path.as_str());
        Ok(Self {
            address: format!("{}{path}", page.prefix),
            is_page: is_navigation(&parts.method, parts.uri.path(), &parts.headers),
            raw_path: parts.uri.path().to_owned(),
            page,
        })
    }
}

impl Asked {
    /// The page, or what is shown in its place.
    pub fn answer(&self, result: PageResult) -> Response {
        match result {
            Ok(response) => response,
            Err(Failure::Problem(problem)) => problem.into_response(),
            Err(Failure::Missing) => self.missing(),
            Err(Failure::Unavailable(cause)) => self.unavailable(&cause),
        }
    }

    fn missing(&self) -> Response {
        if !self.is_page {
            return Problem::not_found("There is no such item.").error("Node not found").into_response();
        }
        self.shown(
            StatusCode::NOT_FOUND,
            &ErrorPage {
                page: &self.page,
                title: "Not found",
                status: "404 Not Found",
                icon: "search-x",
                heading: "There is nothing here",
                message: "No item has this address. It may have been renamed, moved or deleted.",
                advice: "Start at the root and browse to it, or search for its name.",
                retry: None,
            },
        )
    }

    fn unavailable(&self, cause: &str) -> Response {
        tracing::warn!(cause, "a page cannot be shown: the store does not answer");
        if !self.is_page {
            let detail = "The store of the knowledge base does not answer.";
            return Problem::unavailable(detail, RETRY_SECONDS)
                .error("Database not configured")
                .into_response();
        }
        let mut response = self.shown(
            StatusCode::SERVICE_UNAVAILABLE,
            &ErrorPage {
                page: &self.page,
                title: "Database Not Configured",
                status: "503 Service Unavailable",
                icon: "server-crash",
                heading: "Database Not Configured",
                message: "The database of the knowledge base is not set up, or does not answer right now. What you have saved is safe.",
                advice: "If this stays, ask an administrator to look at the database and its settings.",
                retry: Some(self.address.clone()),
            },
        );
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        response
    }

    fn shown(&self, status: StatusCode, page: &ErrorPage<'_>) -> Response {
        match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}
