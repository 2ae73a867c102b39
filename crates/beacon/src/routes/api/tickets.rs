//! `GET /api/tickets/{view_slug}`: the data of the open page's refresh (beacon.md §6).

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hasher},
    io,
};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::StaffOnly,
    conditional::is_unchanged,
    contracts::codex::{PsaId, Ticket, wire},
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Beacon,
    cache::{Current, Reference},
    domain::{
        board::{Board, Selection},
        order::Section,
        views::View,
    },
};

/// What the page and its data say when Codex does not answer.
pub const CODEX_AWAY: &str = "Unable to fetch tickets from Codex. The service may be unavailable.";

/// Query of the page and its data.
#[derive(Debug, Default, Deserialize)]
pub struct BoardQuery {
    /// Only tickets of the agent with this PSA id; a value that is no integer is ignored.
    pub agent_id: Option<i64>,
}

/// The tickets of one view.
#[derive(Serialize, ToSchema)]
pub struct BoardAnswer<'a> {
    /// Open, awaiting the first answer; oldest first.
    #[schema(value_type = Vec<Ticket>)]
    s1_items: &'a [Cow<'a, Ticket>],
    /// The customer answered; longest untouched first.
    #[schema(value_type = Vec<Ticket>)]
    s2_items: &'a [Cow<'a, Ticket>],
    /// Needs an agent, or an update is overdue; urgent first, then the most critical clock.
    #[schema(value_type = Vec<Ticket>)]
    s3_items: &'a [Cow<'a, Ticket>],
    /// Every other active ticket; longest untouched first.
    #[schema(value_type = Vec<Ticket>)]
    s4_items: &'a [Cow<'a, Ticket>],
    /// Number of tickets in the four lists.
    total_active_items: usize,
    /// End of Codex's newest ticket sync; `null` before the first.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    dashboard_generated_time_iso: Option<DateTime<Utc>>,
    /// Display name of the view.
    view: &'a str,
    /// Name of the first list, such as `Open Helpdesk Tickets`.
    section1_name_js: String,
    /// Name of the second list.
    section2_name_js: String,
    /// Name of the third list.
    section3_name_js: String,
    /// Name of the fourth list.
    section4_name_js: String,
    /// What is wrong; `null` when nothing is.
    error: Option<&'static str>,
    /// The lists are the last good copy, since Codex does not answer.
    stale: bool,
    /// When this answer was made.
    #[serde(with = "wire::optional_time", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime)]
    generated_at: Option<DateTime<Utc>>,
}

/// Everything one request needs to show a view.
pub struct Shown {
    /// What Codex said last.
    pub current: Current,
    /// Agents, links and groups.
    pub reference: Reference,
    /// The selected agent.
    pub agent: Option<PsaId>,
}

impl Shown {
    /// Gets what a request needs, all of it at the same time.
    pub async fn load(beacon: &Beacon, query: &BoardQuery) -> Self {
        let parts = &beacon.0;
        let (current, reference) = tokio::join!(parts.tickets.current(), parts.reference.current());
        Self { current, reference, agent: query.agent_id.map(PsaId) }
    }

    /// The tickets of `view`; empty lists where Codex has never answered.
    pub fn board(&self, view: &View, now: DateTime<Utc>) -> Board<'_> {
        let selection = Selection {
            view,
            agent: self.agent,
            professional_services: &self.reference.professional_services,
        };
        match &self.current.copy {
            Some(copy) => Board::select(&copy.tickets, selection, &self.reference.agents, now),
            None => Board { sections: Default::default() },
        }
    }

    /// End of Codex's newest ticket sync.
    pub fn last_sync(&self) -> Option<DateTime<Utc>> {
        self.current.copy.as_ref().and_then(|copy| copy.tickets.last_sync_time)
    }

    /// What is wrong, in words.
    pub fn error(&self) -> Option<&'static str> {
        self.current.is_away.then_some(CODEX_AWAY)
    }
}

/// The view, or the 404 that page and API share.
pub fn find_view<'b>(beacon: &'b Beacon, slug: &str) -> Result<&'b View> {
    beacon
        .0
        .views
        .find(slug)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND).error(format!("Unsupported view: {slug}")))
}

/// The tickets of a view in four sections
///
/// While Codex does not answer, the last good lists are sent with `stale` and `error`. The answer has an `ETag`; with
/// `If-None-Match` unchanged lists cost a 304.
#[utoipa::path(
    get, path = "/api/tickets/{view_slug}", tag = "tickets",
    params(
        ("view_slug" = String, Path, description = "View, such as `helpdesk`"),
        ("agent_id" = Option<i64>, Query, description = "Only tickets of the agent with this PSA id; a value that is no integer is ignored")
    ),
    responses(
        (status = 200, description = "The tickets", body = BoardAnswer),
        (status = 304, description = "As at the entity tag sent"),
        (status = 401, description = "No valid token"),
        (status = 403, description = "The permission level is `client`"),
        (status = 404, description = "No such view"),
        (status = 429, description = "More than 60 in a minute")
    )
)]
pub async fn tickets(
    State(beacon): State<Beacon>,
    _: StaffOnly,
    Path(slug): Path<String>,
    LenientQuery(query): LenientQuery<BoardQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let view = find_view(&beacon, &slug)?;
    let shown = Shown::load(&beacon, &query).await;
    let now = beacon.0.context.clock.now();
    let board = shown.board(view, now);
    let [s1, s2, s3, s4] = &board.sections;
    let [name1, name2, name3, name4] = Section::ALL.map(|section| section.name(&view.name));
    let mut answer = BoardAnswer {
        s1_items: s1,
        s2_items: s2,
        s3_items: s3,
        s4_items: s4,
        total_active_items: board.total(),
        dashboard_generated_time_iso: shown.last_sync(),
        view: &view.name,
        section1_name_js: name1,
        section2_name_js: name2,
        section3_name_js: name3,
        section4_name_js: name4,
        error: shown.error(),
        stale: shown.current.is_away && shown.current.copy.is_some(),
        generated_at: None,
    };
    let etag = entity_tag(&answer)?;
    let cache = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    tracing::debug!(
        view_slug = slug,
        agent_id = query.agent_id,
        ticket_count = board.total(),
        "tickets of a view"
    );
    if is_unchanged(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, cache).into_response());
    }
    answer.generated_at = Some(now);
    Ok((cache, Json(answer)).into_response())
}

/// A weak tag of the answer without the time it was made.
fn entity_tag(answer: &BoardAnswer<'_>) -> Result<HeaderValue> {
    struct Digest(DefaultHasher);

    impl io::Write for Digest {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut digest = Digest(DefaultHasher::new());
    serde_json::to_writer(&mut digest, answer).map_err(Problem::internal)?;
    HeaderValue::from_str(&format!("W/\"{:016x}\"", digest.0.finish())).map_err(Problem::internal)
}
