//! `GET /{view_slug}`: the board as a page, complete without its script (beacon.md §5, §11).

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use hivematrix_shared::{
    auth::{Caller, PermissionLevel, StaffOnly},
    contracts::codex::PsaId,
    extract::{LenientQuery, Path},
    pages::{
        Page,
        format::{iso_z, long_datetime, short_datetime},
        icon as shared_icon,
    },
    problem::{Problem, Result},
};
use http::{HeaderValue, header};

use super::{
    insight::{self, Strip},
    row::{Row, keeps_updated, prefix, state_key},
};
use crate::{
    Beacon,
    cache::{Memo, Weigh},
    domain::{agents::AgentOption, hints, links::TicketLinks, order::Section, views::View},
    routes::answer::{BoardQuery, Shown, find_view},
};

/// Pages remembered together; one of a large board takes about 600 KB.
const BUDGET: usize = 12 * 1024 * 1024;
const EMPTY: &str = "No tickets currently in this category.";
/// Said beside `Never` when there are tickets all the same: they come before the end of the sync that brings them.
const FIRST_SYNC: &str = "the first sync is not complete yet";
/// Extra classes of the total from this number on (beacon.md §11.4).
const COUNT_STEPS: [(usize, &str); 4] =
    [(120, " count-emergency"), (110, " count-critical"), (100, " count-danger"), (90, " count-warning")];

/// All that a page depends on beside the data. Nothing of it names a user: a page is made once for all who see the same.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PageKey {
    view: String,
    query: BoardQuery,
    prefix: String,
    may_sync: bool,
    makes_displays: bool,
    /// Which history the insight strip shows.
    strip: Option<insight::Stamp>,
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
    summary: [SummaryPart; 4],
    sections: Vec<SectionView>,
    stream_url: String,
    insight_url: String,
    insight: Option<Strip>,
}

impl BoardPage<'_> {
    fn icon(&self, name: &str) -> &'static str {
        shared_icon(name).unwrap_or_default()
    }

    fn is_selected(&self, agent: &AgentOption) -> bool {
        self.selected_agent_id == Some(agent.id)
    }
}

struct Tab<'a> {
    slug: &'a str,
    label: String,
    is_current: bool,
}

struct SummaryPart {
    prefix: &'static str,
    label: &'static str,
    count: usize,
    is_attention: bool,
}

struct SectionView {
    prefix: &'static str,
    name: String,
    hint: String,
    empty_text: String,
    is_attention: bool,
    keeps_updated: bool,
    heads: [Head; 8],
    rows: Vec<Row>,
    blank: Row,
}

struct Head {
    key: &'static str,
    label: &'static str,
    classes: &'static str,
}

/// The ticket board of a view
#[utoipa::path(
    get, path = "/{view_slug}", tag = "pages",
    params(
        ("view_slug" = String, Path, description = "View, such as `helpdesk`"),
        ("agent_id" = Option<i64>, Query, description = "Only tickets of the agent with this PSA id; a value that is no integer is ignored"),
        ("priority" = Option<i64>, Query, description = "Only tickets of this priority, 1 low to 4 urgent; any other value is ignored")
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
    LenientQuery(query): LenientQuery<BoardQuery>,
    page: Page,
) -> Result<Response> {
    let parts = &beacon.0;
    let view = find_view(&beacon, &slug)?;
    let (shown, history) = tokio::join!(Shown::load(&beacon), insight::history(&beacon, view));
    let now = parts.context.clock.now();
    let key = PageKey {
        view: view.slug.clone(),
        query: BoardQuery { agent_id: query.agent_id, priority: query.priority() },
        prefix: page.prefix.clone(),
        may_sync: may_sync(&caller),
        makes_displays: parts.signer.is_some() && caller.level() == Some(PermissionLevel::Admin),
        strip: history.as_deref().and_then(insight::stamp),
    };
    let finished = parts.pages.get(&shown.basis(now), key.clone(), || {
        let strip = history.map(|history| Strip::new(&history, &shown.reference.agents, now));
        finish(&beacon, view, &key, &shown, strip, page)
    })?;
    tracing::info!(
        view_slug = view.slug,
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
    insight: Option<Strip>,
    page: Page,
) -> Result<FinishedPage> {
    let parts = &beacon.0;
    let now = parts.context.clock.now();
    let board = shown.board(view, key.query, now);
    let total = board.total();
    let links = shown.reference.links.as_ref();
    let agent = key.query.agent_id.map(PsaId);
    let counts = board.sections.each_ref().map(Vec::len);
    let mut sections = Vec::with_capacity(Section::ALL.len());
    for (section, tickets) in Section::ALL.into_iter().zip(&board.sections) {
        sections.push(SectionView {
            prefix: prefix(section),
            name: section.name(&view.name),
            hint: hints::hint(section, tickets, now).unwrap_or_default(),
            empty_text: empty_text(section, &view.name),
            is_attention: section == Section::NeedsAgent && !tickets.is_empty(),
            keeps_updated: keeps_updated(section),
            heads: heads(section),
            rows: tickets.iter().map(|ticket| Row::new(ticket, section, links)).collect(),
            blank: Row::blank(section),
        });
    }
    let stale_since =
        shown.current.confirmed_at.filter(|_| shown.current.is_away && shown.current.copy.is_some());
    let last_sync = shown.last_sync();
    let html = BoardPage {
        stream_url: format!("{}/api/stream/{}", page.prefix, view.slug),
        insight_url: format!("{}/insight/{}", page.prefix, view.slug),
        insight,
        page,
        view_slug: &view.slug,
        view_name: &view.name,
        tabs: parts
            .views
            .iter()
            .map(|tab| Tab { slug: &tab.slug, label: tab.tab_label(), is_current: tab.slug == view.slug })
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
        summary: summary(counts),
        sections,
    }
    .render()
    .map_err(Problem::internal)?;
    Ok(FinishedPage { html: html.into(), total })
}

fn may_sync(caller: &Caller) -> bool {
    matches!(caller.level(), Some(PermissionLevel::Admin | PermissionLevel::Technician))
}

fn count_class(total: usize) -> &'static str {
    COUNT_STEPS.iter().find(|(from, _)| total >= *from).map_or("", |(_, class)| class)
}

fn summary([open, replied, needs_agent, other]: [usize; 4]) -> [SummaryPart; 4] {
    let part = |section, label, count| SummaryPart {
        prefix: prefix(section),
        label,
        count,
        is_attention: section == Section::NeedsAgent && count > 0,
    };
    [
        part(Section::NeedsAgent, "need an agent now", needs_agent),
        part(Section::Open, "open", open),
        part(Section::Replied, "customer replied", replied),
        part(Section::Other, "other active", other),
    ]
}

fn empty_text(section: Section, view: &str) -> String {
    let hint = match section {
        Section::Open => String::new(),
        Section::Replied => " No tickets currently have a customer reply.".to_owned(),
        Section::NeedsAgent => " No tickets currently need an agent or have an overdue update.".to_owned(),
        Section::Other => format!(" No other active {view} tickets found."),
    };
    format!("{EMPTY}{hint}")
}

fn heads(section: Section) -> [Head; 8] {
    let head = |key, label, classes| Head { key, label, classes };
    let (updated, created) = if keeps_updated(section) {
        (" hide-sm", " hide-md hide-sm")
    } else {
        (" hide-md hide-sm", " hide-sm")
    };
    let state = match section {
        Section::Open => "Action / SLA",
        Section::Replied | Section::NeedsAgent => "Action / Status",
        Section::Other => "Status",
    };
    [
        head("id", "ID", ""),
        head("subject", "Subject", ""),
        head("requester_name", "Requester", " hide-lg hide-sm"),
        head("agent_name", "Agent", ""),
        head("priority_raw", "Priority", ""),
        head(state_key(section), state, ""),
        head("updated_at_str", "Updated", updated),
        head("created_at_str", "Created", created),
    ]
}
