//! `GET /display/{view_slug}`: the page of a screen.

use askama::Template;
use axum::{
    extract::{OriginalUri, State},
    response::{Html, IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{
    contracts::codex::Display,
    extract::Path,
    pages::{
        Page,
        format::{iso_z, long_datetime},
    },
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use url::form_urlencoded;

use super::{
    gate::{self, OpenLink},
    row::WallRow,
};
use crate::{
    Beacon,
    domain::{
        order::by_urgency,
        summary::{Count, summary},
        views::View,
    },
    routes::{
        answer::{Shown, find_view},
        pages::modules,
    },
};

/// The page's own route, as it is registered.
pub const PATH: &str = "/display/{view_slug}";
/// More rows than any screen has room for; a small one is scrolled.
const MOST_ROWS: usize = 40;
/// How long browsers keep a cookie at most.
const LONGEST_COOKIE: TimeDelta = TimeDelta::days(400);
/// Seconds that a rotating screen may stay at a view.
const ROTATION: std::ops::RangeInclusive<u64> = 5..=3600;

/// The page of a screen: `wall.html`.
#[derive(Template)]
#[template(path = "wall.html")]
struct WallPage<'a> {
    page: Page,
    /// `Helpdesk (TV Display)`.
    title: String,
    view_name: &'a str,
    counts: [Count; 4],
    /// The most urgent first, as many as any screen has room for.
    rows: Vec<WallRow>,
    /// Whether the link allows subjects.
    subjects: bool,
    total: usize,
    has_data: bool,
    error_message: Option<&'static str>,
    last_sync_iso: String,
    last_sync_text: String,
    refresh_ms: u64,
    siren_threshold: usize,
    siren_on: bool,
    /// The other views of this screen, when it is to show them in turn.
    rotation: Option<Rotation>,
    /// Whether new attention may be heard.
    sound: bool,
    tickets_url: String,
    stream_url: String,
    modules: &'static [&'static str],
}

/// Several views in turn.
struct Rotation {
    seconds: u64,
    /// All views of the screen, the one shown among them, in tab order.
    views: Vec<RotationView>,
}

struct RotationView {
    url: String,
    name: String,
    tickets_url: String,
    stream_url: String,
    is_current: bool,
}

/// The board on a screen without a user
///
/// The address of a link leads here with `key`: the key becomes a cookie, and the address loses it. `rotate=30` shows all
/// views whose links were opened on this screen in turn, each for so many seconds; `sound=1` lets the page be heard.
#[utoipa::path(
    get, path = "/display/{view_slug}", tag = "displays", security(()),
    params(
        ("view_slug" = String, Path, description = "View, such as `helpdesk`"),
        ("key" = Option<String>, Query, description = "Key of the link"),
        ("rotate" = Option<u64>, Query, description = "Seconds for each view, 5 to 3600; any other value is ignored"),
        ("sound" = Option<u8>, Query, description = "`1`: with sound")
    ),
    responses(
        (status = 200, description = "The page", content_type = "text/html", body = String),
        (status = 302, description = "The link was opened: to the same address without the key"),
        (status = 403, description = "No link of this view was opened here, or it has ended"),
        (status = 404, description = "The link's view is not configured any more, or displays are switched off"),
        (status = 429, description = "More than 60 in a minute through one link"),
        (status = 503, description = "Links cannot be checked yet")
    )
)]
pub async fn wall(
    State(beacon): State<Beacon>,
    Path(slug): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    page: Page,
    link: Result<OpenLink>,
) -> Result<Response> {
    // Whoever has no link learns nothing of which views there are.
    let OpenLink(link) = link?;
    let view = find_view(&beacon, &slug)?;
    let now = beacon.0.context.clock.now();
    let query = uri.query().unwrap_or_default();
    let cookie = set_cookie(&beacon, &page, &link, now).map(|cookie| [(header::SET_COOKIE, cookie)]);
    if gate::key_in_query(uri.query()).is_some() {
        tracing::info!(link = %link.id, name = link.name, view_slug = &*view.slug, "a display link was opened");
        let target = address(&page, &view.slug, &without_key(query));
        return Ok((StatusCode::FOUND, NOT_KEPT, cookie, [(header::LOCATION, target)]).into_response());
    }
    let options = Options::of(query);
    let rotation = rotation(&beacon, view, &page, &headers, &options).await;
    let html = render(&beacon, view, &link, page, rotation, options.sound).await?;
    // The cookie is renewed each time: a screen that is looked at keeps its link, however long it hangs.
    Ok((NOT_KEPT, cookie, Html(html)).into_response())
}

/// Neither browsers nor search engines keep what a link shows.
const NOT_KEPT: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow")),
];

async fn render(
    beacon: &Beacon,
    view: &View,
    link: &Display,
    page: Page,
    rotation: Option<Rotation>,
    sound: bool,
) -> Result<String> {
    let settings = &beacon.0.settings;
    let shown = Shown::load(beacon).await;
    let board = shown.board(view, Default::default(), beacon.0.context.clock.now());
    let total = board.total();
    let rows = by_urgency(&board.sections).into_iter().take(MOST_ROWS);
    let rows = rows.map(|(section, ticket)| WallRow::new(ticket, section, link.subjects)).collect();
    let last_sync = shown.last_sync();
    WallPage {
        title: format!("{} (TV Display)", view.name),
        view_name: &view.name,
        counts: summary(&board),
        rows,
        subjects: link.subjects,
        total,
        has_data: shown.current.copy.is_some(),
        error_message: shown.error(),
        last_sync_iso: last_sync.map(iso_z).unwrap_or_default(),
        last_sync_text: last_sync.map_or_else(|| "Never".to_owned(), long_datetime),
        refresh_ms: settings.auto_refresh_interval_seconds * 1000,
        siren_threshold: settings.siren_threshold,
        siren_on: total > settings.siren_threshold,
        rotation,
        sound,
        tickets_url: tickets_url(&page, view),
        stream_url: stream_url(&page, view),
        modules: modules::of_the_wall(),
        page,
    }
    .render()
    .map_err(Problem::internal)
}

/// What the address of a screen says.
struct Options {
    rotate: Option<u64>,
    sound: bool,
    /// The query, to go on with.
    query: String,
}

impl Options {
    fn of(query: &str) -> Self {
        let value = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value)
        };
        let rotate = value("rotate").and_then(|value| value.parse().ok());
        Self {
            rotate: rotate.filter(|seconds| ROTATION.contains(seconds)),
            sound: value("sound").as_deref() == Some("1"),
            query: query.to_owned(),
        }
    }
}

async fn rotation(
    beacon: &Beacon,
    current: &View,
    page: &Page,
    headers: &HeaderMap,
    options: &Options,
) -> Option<Rotation> {
    let seconds = options.rotate?;
    let open = gate::open_views(beacon, headers).await;
    let views = open.into_iter().map(|view| RotationView {
        url: address(page, &view.slug, &options.query),
        name: view.name.clone(),
        tickets_url: tickets_url(page, view),
        stream_url: stream_url(page, view),
        is_current: view.slug == current.slug,
    });
    Some(Rotation { seconds, views: views.collect() }).filter(|rotation| rotation.views.len() > 1)
}

fn tickets_url(page: &Page, view: &View) -> String {
    format!("{}/display/{}/tickets", page.prefix, view.slug)
}

fn stream_url(page: &Page, view: &View) -> String {
    format!("{}/display/{}/stream", page.prefix, view.slug)
}

fn address(page: &Page, slug: &str, query: &str) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}/display/{slug}{mark}{query}", page.prefix)
}

fn without_key(query: &str) -> String {
    let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "key");
    form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
}

/// The cookie with the link's key lives as long as the link, or as long as browsers let it.
fn set_cookie(beacon: &Beacon, page: &Page, link: &Display, now: DateTime<Utc>) -> Option<String> {
    let key = beacon.0.signer.as_ref()?.key(link);
    let left = link.expires_at.map_or(LONGEST_COOKIE, |end| (end - now).min(LONGEST_COOKIE));
    Some(format!(
        "{}={key}; Path={}/display; Max-Age={}; HttpOnly; Secure; SameSite=Lax",
        gate::cookie_name(&link.view),
        page.prefix,
        left.num_seconds().max(1)
    ))
}
