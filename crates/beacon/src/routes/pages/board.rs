//! `GET /{view_slug}`: the board as a page, complete without its script (beacon.md §5, §11).

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::{PermissionLevel, StaffOnly},
    contracts::codex::PsaId,
    extract::{LenientQuery, Path},
    pages::{
        Page,
        format::{iso_z, long_datetime, short_datetime},
    },
    problem::{Problem, Result},
};
use http::{HeaderValue, header};
use serde::Deserialize;

use super::{
    insight::{self, History, Stamp, Strip},
    modules,
    section::SectionView,
};
use crate::{
    Beacon,
    cache::{Memo, Weigh},
    domain::{
        agents::AgentOption,
        links::TicketLinks,
        order::Section,
        summary::{Count, summary},
        views::View,
    },
    routes::{
        answer::{BoardQuery, Shown, find_view},
        api::sync::may_sync,
    },
};

/// Pages remembered together; one of a large board takes about 600 KB.
const BUDGET: usize = 12 * 1024 * 1024;
/// So many rows of a section are complete at first (section.js says the same); without the script a link shows all.
const FOLD: usize = 100;
/// Said beside `Never` when there are tickets all the same: they come before the end of the sync that brings them.
const FIRST_SYNC: &str = "the first sync is not complete yet";
/// Extra classes of the total from this number on (beacon.md §11.4).
const COUNT_STEPS: [(usize, &str); 4] =
    [(120, " count-emergency"), (110, " count-critical"), (100, " count-danger"), (90, " count-warning")];

/// All that a page depends on beside the data. Nothing of it names a user: a page is made once for all who see the same.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PageKey {
    view: Arc<str>,
    query: BoardQuery,
    all_rows: bool,
    prefix: String,
    may_sync: bool,
    makes_displays: bool,
    /// Which history the insight strip shows.
    strip: Stamp,
}

/// Query of the page.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct PageQuery {
    agent_id: Option<i64>,
    priority: Option<i64>,
    /// `all`: no section is folded.
    rows: Option<String>,
}

/// A finished page.
pub struct FinishedPage {
    html: Bytes,
    total: usize,
}

impl Weigh for FinishedPage {
    fn weight(&self) -> usize {
        self.html.len()
    }
}

/// Remembers pages.
pub type Pages = Memo<PageKey, FinishedPage>;

/// A memo for pages.
pub fn pages() -> Pages {
    Memo::new(BUDGET)
}

#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage<'a> {
    page: Page,
    view_slug: &'a str,
    view_name: &'a str,
    tabs: Vec<Tab<'a>>,
    has_data: bool,
    error_message: Option<&'static str>,
    stale_since_iso: Option<String>,
    stale_since_text: String,
    last_sync_iso: String,
    last_sync_text: String,
    last_sync_note: &'static str,
    may_sync: bool,
    makes_displays: bool,
    auto_refresh_ms: u64,
    siren_threshold: usize,
    siren_on: bool,
    count_class: &'static str,
    total: usize,
    ticket_url_template: &'a str,
    ticket_base_url: &'a str,
    selected_agent_id: Option<PsaId>,
    selected_priority: Option<i64>,
    agents: Vec<AgentOption>,
    summary: [Count; 4],
    sections: Vec<SectionView>,
    stream_url: String,
    insight_url: String,
    insight: Strip,
    /// Rows of a section that are complete.
    complete_rows: usize,
    /// The page without folds.
    all_rows_url: String,
    modules: &'static [&'static str],
}

impl BoardPage<'_> {
    fn is_selected(&self, agent: &AgentOption) -> bool {
        self.selected_agent_id == Some(agent.id)
    }
}

struct Tab<'a> {
    url: String,
    label: &'a str,
    is_current: bool,
}

/// The ticket board of a view
#[utoipa::path(
    get, path = "/{view_slug}", tag = "pages",
    params(
        ("view_slug" = String, Path, description = "View, such as `helpdesk`"),
        ("agent_id" = Option<i64>, Query, description = "Only tickets of the agent with this PSA id; a value that is no integer is ignored"),
        ("priority" = Option<i64>, Query, description = "Only tickets of this priority, 1 low to 4 urgent; any other value is ignored"),
        ("rows" = Option<String>, Query, description = "`all`: long sections are not folded, so that all is there without the script")
    ),
    responses(
        (status = 200, description = "The page", content_type = "text/html", body = String),
        (status = 401, description = "No valid token"),
        (status = 403, description = "The permission level is `client`"),
        (status = 404, description = "No such view"),
        (status = 429, description = "More than 60 in a minute")
    )
)]
pub async fn board(
    State(beacon): State<Beacon>,
    StaffOnly(caller): StaffOnly,
    Path(slug): Path<String>,
    LenientQuery(query): LenientQuery<PageQuery>,
    mut page: Page,
) -> Result<Response> {
    let parts = &beacon.0;
    let view = find_view(&beacon, &slug)?;
    let (shown, history) =
        tokio::join!(Shown::load(&beacon), History::of(&beacon, view, Some(insight::PATIENCE)));
    let now = parts.context.clock.now();
    let selected = BoardQuery { agent_id: query.agent_id, priority: query.priority };
    let key = PageKey {
        view: view.slug.clone(),
        query: BoardQuery { priority: selected.priority(), ..selected },
        all_rows: query.rows.as_deref() == Some("all"),
        prefix: std::mem::take(&mut page.prefix),
        may_sync: may_sync(&caller),
        makes_displays: parts.signer.is_some() && caller.level() == Some(PermissionLevel::Admin),
        strip: history.stamp(),
    };
    let make = || {
        let strip = history.strip(view, &shown, now);
        page.prefix.clone_from(&key.prefix);
        finish(&beacon, view, &key, &shown, strip, page, now)
    };
    let finished = parts.pages.get(&shown.basis(now), &key, make).await?;
    tracing::info!(
        view_slug = &*view.slug,
        agent_id = query.agent_id,
        ticket_count = finished.total,
        "Loading dashboard for view: {}",
        view.name
    );
    // The page holds customers' data: the back button must not show it after signing out.
    let cache = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((cache, Html(finished.html.clone())).into_response())
}

fn finish(
    beacon: &Beacon,
    view: &View,
    key: &PageKey,
    shown: &Shown,
    insight: Strip,
    page: Page,
    now: DateTime<Utc>,
) -> Result<FinishedPage> {
    let parts = &beacon.0;
    let board = shown.board(view, key.query, now);
    let total = board.total();
    let links = shown.reference.links.as_ref();
    let agent = key.query.agent_id.map(PsaId);
    let sections = Section::ALL.into_iter().zip(&board.sections);
    let sections =
        sections.map(|(section, tickets)| SectionView::new(section, tickets, view, links, now)).collect();
    let stale_since =
        shown.current.confirmed_at.filter(|_| shown.current.is_away && shown.current.copy.is_some());
    let last_sync = shown.last_sync();
    let html = BoardPage {
        stream_url: format!("{}/api/stream/{}", page.prefix, view.slug),
        insight_url: format!("{}/insight/{}", page.prefix, view.slug),
        insight,
        complete_rows: if key.all_rows { usize::MAX } else { FOLD },
        all_rows_url: address(&key.prefix, view, key.query, true),
        modules: modules::of_the_board(),
        page,
        view_slug: &view.slug,
        view_name: &view.name,
        tabs: parts
            .views
            .iter()
            .map(|tab| Tab {
                url: address(&key.prefix, tab, key.query, key.all_rows),
                label: tab.tab_label(),
                is_current: tab.slug == view.slug,
            })
            .collect(),
        has_data: shown.current.copy.is_some(),
        error_message: shown.error(),
        stale_since_iso: stale_since.map(iso_z),
        stale_since_text: stale_since.map(short_datetime).unwrap_or_default(),
        last_sync_iso: last_sync.map(iso_z).unwrap_or_default(),
        last_sync_text: last_sync.map_or_else(|| "Never".to_owned(), long_datetime),
        last_sync_note: if last_sync.is_none() && total > 0 { FIRST_SYNC } else { "" },
        may_sync: key.may_sync,
        makes_displays: key.makes_displays,
        auto_refresh_ms: parts.settings.auto_refresh_interval_seconds * 1000,
        siren_threshold: parts.settings.siren_threshold,
        siren_on: total > parts.settings.siren_threshold,
        count_class: count_class(total),
        total,
        ticket_url_template: links.map(TicketLinks::template).unwrap_or_default(),
        ticket_base_url: links.map(TicketLinks::base).unwrap_or_default(),
        selected_agent_id: agent,
        selected_priority: key.query.priority(),
        agents: shown.reference.agents.options(agent, &board.loads),
        summary: summary(&board),
        sections,
    }
    .render()
    .map_err(Problem::internal)?;
    Ok(FinishedPage { html: html.into(), total })
}

/// Address of a view that keeps what is selected.
fn address(prefix: &str, view: &View, query: BoardQuery, all_rows: bool) -> String {
    let parameters = [
        query.agent_id.map(|id| format!("agent_id={id}")),
        query.priority.map(|priority| format!("priority={priority}")),
        all_rows.then(|| "rows=all".to_owned()),
    ];
    let query = parameters.into_iter().flatten().collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{prefix}/{}{mark}{query}", view.slug)
}

fn count_class(total: usize) -> &'static str {
    COUNT_STEPS.iter().find(|(from, _)| total >= *from).map_or("", |(_, class)| class)
}
