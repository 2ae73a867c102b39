//! The JSON of a view (beacon.md §6), made once for all who ask for the same: single requests, streams and screens.

use std::{
    convert::Infallible,
    hash::{DefaultHasher, Hasher},
    sync::Arc,
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream;
use hivematrix_shared::{
    conditional::is_unchanged,
    contracts::codex::{PsaId, Ticket, wire},
    pages::format::iso_z,
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    Beacon,
    cache::{Basis, Current, Memo, Reference, Weigh},
    domain::{
        board::{Board, Selection},
        order::Section,
        reduced::ReducedTicket,
        views::View,
    },
};

/// What the page and its data say when Codex does not answer.
pub const CODEX_AWAY: &str = "Unable to fetch tickets from Codex. The service may be unavailable.";

/// Answers remembered together; two views of a large board take about 2 MB.
const BUDGET: usize = 16 * 1024 * 1024;

/// Query of the page and its data.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq)]
pub struct BoardQuery {
    /// Only tickets of the agent with this PSA id; a value that is no integer is ignored.
    pub agent_id: Option<i64>,
    /// Only tickets of this priority, 1 low to 4 urgent; any other value is ignored.
    pub priority: Option<i64>,
}

impl BoardQuery {
    /// The priority, if it is one.
    pub fn priority(self) -> Option<i64> {
        self.priority.filter(|priority| (1..=4).contains(priority))
    }
}

/// How much of the tickets is shown.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Detail {
    /// All of it: for staff.
    Whole,
    /// What may hang in a room.
    Reduced {
        /// With subjects.
        subjects: bool,
    },
}

/// What an answer shows, apart from the data itself.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Asked {
    view: Arc<str>,
    query: BoardQuery,
    detail: Detail,
}

impl Asked {
    /// One view, filtered or not.
    pub fn new(view: &View, query: BoardQuery, detail: Detail) -> Self {
        let query = BoardQuery { agent_id: query.agent_id, priority: query.priority() };
        Self { view: view.slug.clone(), query, detail }
    }
}

/// Remembers answers.
pub type Answers = Memo<Asked, Answer>;

/// A memo for answers.
pub fn answers() -> Answers {
    Memo::new(BUDGET)
}

/// Everything one request needs to show a view.
pub struct Shown {
    /// What Codex said last.
    pub current: Current,
    /// Agents, links and groups.
    pub reference: Arc<Reference>,
}

impl Shown {
    /// Gets what a request needs, all of it at the same time.
    pub async fn load(beacon: &Beacon) -> Self {
        let parts = &beacon.0;
        let (current, reference) = tokio::join!(parts.tickets.current(), parts.reference.current());
        Self { current, reference }
    }

    /// The tickets of `view`; empty lists where Codex has never answered.
    pub fn board(&self, view: &View, query: BoardQuery, now: DateTime<Utc>) -> Board<'_> {
        let selection = Selection {
            view,
            agent: query.agent_id.map(PsaId),
            priority: query.priority(),
            professional_services: &self.reference.professional_services,
        };
        match &self.current.copy {
            Some(copy) => Board::select(&copy.tickets, selection, &self.reference.agents, now),
            None => Board::default(),
        }
    }

    /// The data behind what is shown.
    pub fn basis(&self, now: DateTime<Utc>) -> Basis {
        Basis::new(&self.current, &self.reference, now)
    }

    /// End of Codex's newest ticket sync.
    pub fn last_sync(&self) -> Option<DateTime<Utc>> {
        self.current.copy.as_ref().and_then(|copy| copy.tickets.last_sync_time)
    }

    /// What is wrong, in words.
    pub fn error(&self) -> Option<&'static str> {
        self.current.is_away.then_some(CODEX_AWAY)
    }

    /// The answer to what was asked, made now or before.
    pub async fn answer(&self, beacon: &Beacon, asked: &Asked) -> Result<Arc<Answer>> {
        let now = beacon.0.context.clock.now();
        let view = find_view(beacon, &asked.view)?;
        beacon.0.answers.get(&self.basis(now), asked, || Answer::make(self, view, asked, now)).await
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

/// A ticket as far as it is shown.
struct Item<'a>(&'a Ticket, Detail);

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.1 {
            Detail::Whole => self.0.serialize(serializer),
            Detail::Reduced { subjects } => ReducedTicket::new(self.0, subjects).serialize(serializer),
        }
    }
}

/// The tickets of one view.
#[derive(Serialize, ToSchema)]
pub struct BoardAnswer<'a> {
    /// When this answer was made. It is the first member, and no part of what is remembered: see [`Answer`].
    #[serde(with = "wire::optional_time", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime)]
    generated_at: Option<DateTime<Utc>>,
    /// Open, awaiting the first answer; oldest first.
    #[schema(value_type = Vec<Ticket>)]
    s1_items: Vec<Item<'a>>,
    /// The customer answered; longest untouched first.
    #[schema(value_type = Vec<Ticket>)]
    s2_items: Vec<Item<'a>>,
    /// Needs an agent, or an update is overdue; urgent first, then the most critical clock.
    #[schema(value_type = Vec<Ticket>)]
    s3_items: Vec<Item<'a>>,
    /// Every other active ticket; longest untouched first.
    #[schema(value_type = Vec<Ticket>)]
    s4_items: Vec<Item<'a>>,
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
}

/// A finished answer, all but the time at which it is given.
#[derive(Debug)]
pub struct Answer {
    /// Of everything but that time; also the id of a stream's event, so that poll and stream know each other's answers.
    pub etag: HeaderValue,
    /// Number of tickets.
    pub total: usize,
    /// The JSON object without its opening brace.
    rest: Bytes,
}

impl Weigh for Answer {
    fn weight(&self) -> usize {
        self.rest.len()
    }
}

impl Answer {
    fn make(shown: &Shown, view: &View, asked: &Asked, now: DateTime<Utc>) -> Result<Self> {
        let board = shown.board(view, asked.query, now);
        let total = board.total();
        let items = |list: usize| -> Vec<Item<'_>> {
            board.sections[list].iter().map(|ticket| Item(ticket, asked.detail)).collect()
        };
        let [section1_name_js, section2_name_js, section3_name_js, section4_name_js] =
            Section::ALL.map(|section| section.name(&view.name));
        let answer = BoardAnswer {
            generated_at: None,
            s1_items: items(0),
            s2_items: items(1),
            s3_items: items(2),
            s4_items: items(3),
            total_active_items: total,
            dashboard_generated_time_iso: shown.last_sync(),
            view: &view.name,
            section1_name_js,
            section2_name_js,
            section3_name_js,
            section4_name_js,
            error: shown.error(),
            stale: shown.current.is_away && shown.current.copy.is_some(),
        };
        let json = serde_json::to_vec(&answer).map_err(Problem::internal)?;
        let mut digest = DefaultHasher::new();
        digest.write(&json);
        let etag = format!("W/\"{:016x}\"", digest.finish());
        let etag = HeaderValue::from_str(&etag).map_err(Problem::internal)?;
        Ok(Self { etag, total, rest: Bytes::from(json).slice(1..) })
    }

    /// The two parts of the JSON as it is given at `now`; the second one is shared by all who get it. The small one comes
    /// first, so that it leaves together with the head of the response.
    pub fn parts(&self, now: DateTime<Utc>) -> [Bytes; 2] {
        [format!(r#"{{"generated_at":"{}","#, iso_z(now)).into(), self.rest.clone()]
    }

    /// The response to a request: 304 where the client has it already.
    pub fn response(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Response {
        let cache = [
            (header::ETAG, self.etag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        ];
        if is_unchanged(headers, &self.etag) {
            return (StatusCode::NOT_MODIFIED, cache).into_response();
        }
        let parts = self.parts(now);
        let length = parts.iter().map(Bytes::len).sum::<usize>();
        let kind = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CONTENT_LENGTH, HeaderValue::from(length)),
        ];
        // The large part is shared, not copied.
        let body = Body::from_stream(stream::iter(parts.map(Ok::<_, Infallible>)));
        (kind, cache, body).into_response()
    }
}
