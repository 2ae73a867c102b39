//! `GET /`.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use hivematrix_shared::{
    pages::Page,
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderValue, header};

use super::cookies::{self, OwnSession};
use crate::{domain::session::UserData, state::AppState};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    page: &'a Page,
    user: Option<&'a UserData>,
    gateway: &'a str,
}

/// Says who is logged in here. Upstream's Helm takes the 200 as a sign of life, so a session store that is away only means
/// that nobody is.
pub async fn home(State(core): State<AppState>, page: Page, headers: HeaderMap) -> Result<Response> {
    let session = match cookies::read::<OwnSession>(&core.sealer, &headers) {
        Some(own) => core.sessions.live(&own.session).await.ok().flatten(),
        None => None,
    };
    let view = HomePage {
        page: &page,
        user: session.as_ref().map(|session| &session.user),
        gateway: core.origins.main().as_str(),
    };
    let html = view.render().map_err(Problem::internal)?;
    let mut response = Html(html).into_response();
    never_cached(&mut response);
    Ok(response)
}

/// The headers of pages that must not show up again by the back button (core.md §7.3).
pub fn never_cached(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::EXPIRES, HeaderValue::from_static("0"));
}
