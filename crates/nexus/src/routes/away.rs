//! What people and programs are told while a service is away (nexus.md §8.4): it restarts, or cannot be reached.

use askama::Template;
use axum::response::{Html, IntoResponse};
use hivematrix_shared::{
    correlation,
    pages::{Page, icon, is_navigation},
    problem::Problem,
};
use http::{HeaderValue, Method, StatusCode, header};

use super::{
    Answer, Incoming, no_store,
    proxy::{Failure, Peer, problem},
};
use crate::clients::backend::BackendError;

/// Seconds a restart usually takes.
const RETRY_AFTER: u64 = 5;

/// What is known of a request after it was sent on.
pub(super) struct Asked {
    safe: bool,
    opened: Option<Opened>,
}

/// A page that a person opened.
struct Opened {
    address: String,
    page: Page,
}

#[derive(Template)]
#[template(path = "away.html")]
struct AwayPage<'a> {
    page: Page,
    title: &'a str,
    away: &'a str,
    icon: &'static str,
    retry_url: &'a str,
    retry_after: u64,
    correlation_id: String,
}

impl Asked {
    /// Keeps what is needed of a request that is about to be sent on.
    pub fn of(incoming: &Incoming<'_>) -> Self {
        let parts = &incoming.parts;
        let opened = is_navigation(&parts.method, incoming.uri.path(), &parts.headers)
            .then(|| Opened { address: incoming.path_and_query().to_owned(), page: Page::of(parts) });
        Self { safe: matches!(parts.method, Method::GET | Method::HEAD), opened }
    }

    /// The answer instead of the one `peer` did not give. A page that was opened waits for the service and opens itself
    /// again; everything else is a problem that says when to come back. A change is never repeated by anybody but the
    /// person who made it.
    pub fn failed(self, failure: &Failure, peer: Peer<'_>) -> Answer {
        let Failure::Backend(BackendError::Unreachable(cause)) = failure else {
            return Err(problem(failure, peer));
        };
        let Peer { title, away } = peer;
        let Some(Opened { address, page }) = self.opened else {
            let problem = problem(failure, peer)
                .with("retry_after", RETRY_AFTER)
                .header(header::RETRY_AFTER, RETRY_AFTER.into());
            return Err(if self.safe { problem } else { problem.detail(not_repeated(peer)) });
        };
        tracing::error!(service = title, cause, "a service cannot be reached, its page waits for it");
        let view = AwayPage {
            page,
            title,
            away,
            icon: icon("refresh-cw").unwrap_or_default(),
            retry_url: &address,
            retry_after: RETRY_AFTER,
            correlation_id: correlation::current(),
        };
        let page = Html(view.render().map_err(Problem::internal)?);
        let wait = [(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER))];
        Ok(no_store((StatusCode::BAD_GATEWAY, wait, page).into_response()))
    }
}

fn not_repeated(Peer { title, away }: Peer<'_>) -> String {
    format!(
        "{away}: {title} cannot be reached. Your change was probably not made, and it is not sent \
         again by itself: look whether it is there before you repeat it."
    )
}
