//! `GET /displays`: display links, for administrators (beacon.md §4.1).

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::{AdminOnly, BearerToken},
    pages::{
        Page,
        format::{iso_z, long_datetime},
    },
    problem::{Problem, Result},
};
use http::{HeaderValue, header};

use crate::{
    Beacon,
    domain::views::View,
    routes::api::displays::{ListedLink, links, signer_for_admin},
};

#[derive(Template)]
#[template(path = "displays.html")]
struct DisplaysPage<'a> {
    page: Page,
    /// Where the script lists, makes and takes back: `/api/displays`.
    api_url: String,
    views: Vec<&'a View>,
    links: Vec<LinkRow>,
}

/// A link as the page shows it.
struct LinkRow {
    id: String,
    name: String,
    /// Display name of the view; the slug of one that is not configured any more.
    view: String,
    subjects: bool,
    created_by: String,
    created: Time,
    /// None: it never ends.
    expires: Option<Time>,
    has_ended: bool,
}

/// A time in both forms.
struct Time {
    iso: String,
    text: String,
}

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self { iso: iso_z(time), text: long_datetime(time) }
    }
}

/// The page of display links
#[utoipa::path(
    get, path = "/displays", tag = "pages",
    responses(
        (status = 200, description = "The page", content_type = "text/html", body = String),
        (status = 401, description = "No valid token"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "Displays are switched off"),
        (status = 503, description = "Codex is away")
    )
)]
pub async fn displays(
    State(beacon): State<Beacon>,
    AdminOnly(caller): AdminOnly,
    BearerToken(token): BearerToken,
    page: Page,
) -> Result<Response> {
    signer_for_admin(&beacon, &caller)?;
    let now = beacon.0.context.clock.now();
    let links =
        links(&beacon, token.expose()).await?.into_iter().map(|link| row(&beacon, link, now)).collect();
    let api_url = format!("{}/api/displays", page.prefix);
    let html = DisplaysPage { page, api_url, views: beacon.0.views.iter().collect(), links }.render();
    let cache = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((cache, Html(html.map_err(Problem::internal)?)).into_response())
}

fn row(beacon: &Beacon, link: ListedLink, now: DateTime<Utc>) -> LinkRow {
    LinkRow {
        id: link.id.to_string(),
        name: link.name,
        view: beacon.0.views.find(&link.view).map_or(link.view, |view| view.name.clone()),
        subjects: link.subjects,
        created_by: link.created_by.unwrap_or_else(|| "unknown".to_owned()),
        created: link.created_at.into(),
        expires: link.expires_at.map(Time::from),
        has_ended: link.expires_at.is_some_and(|end| end <= now),
    }
}
