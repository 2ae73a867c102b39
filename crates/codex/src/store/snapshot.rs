//! The ready-made answer of `GET /api/tickets/active` for one minute and one version of the data.

use std::{
    fmt::Write as _,
    io::Write as _,
    ops::Range,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use flate2::{Compression, write::GzEncoder};
use hivematrix_shared::contracts::codex::{
    PsaId, Ticket,
    wire::{iso, priority_text, status_text},
};
use http::HeaderValue;
use rust_decimal::prelude::ToPrimitive;
use uuid::Uuid;

use super::{
    board::{Board, BoardRow, TEXT_LIMIT},
    tickets::agent_name,
};
use crate::{
    domain::{
        board::{self, Facts, Order, Placement, Section},
        priority,
        scope::Scope,
        status, words,
    },
    providers::html,
};

/// Compression level of the ready-made gzip form: made at most once per change, sent often.
const GZIP_LEVEL: Compression = Compression::new(5);

/// The board as bytes, with what is needed to cut parts out of it.
#[derive(Debug)]
pub struct Snapshot {
    minute: DateTime<Utc>,
    version: i64,
    body: Bytes,
    gzip: OnceLock<Bytes>,
    etag: HeaderValue,
    tickets: Vec<Piece>,
    last_sync_time: Option<DateTime<Utc>>,
}

/// Where a ticket stands in the body, and what it can be filtered by.
#[derive(Debug)]
struct Piece {
    bytes: Range<usize>,
    section: Section,
    group_id: Option<i64>,
    responder_id: Option<i64>,
    company_id: Option<Arc<str>>,
}

/// Which tickets of the board are asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filter {
    /// Only those of this group.
    pub group_id: Option<i64>,
    /// Only those of this agent.
    pub responder_id: Option<i64>,
    /// Only those of these companies.
    pub scope: Scope,
}

impl Filter {
    /// Whether every ticket passes.
    pub fn is_open(&self) -> bool {
        self.group_id.is_none() && self.responder_id.is_none() && self.scope == Scope::Everything
    }

    fn passes(&self, piece: &Piece) -> bool {
        self.group_id.is_none_or(|id| piece.group_id == Some(id))
            && self.responder_id.is_none_or(|id| piece.responder_id == Some(id))
            && self.scope.includes(piece.company_id.as_deref())
    }
}

/// The moment for which answers hold: the clock floored to the minute.
pub fn minute_of(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now)
}

impl Snapshot {
    /// Places, words and writes all tickets as they stand at `minute`. Takes some milliseconds per hundred tickets.
    ///
    /// # Errors
    /// Only if a ticket cannot be written as JSON.
    pub fn new(board: Board, minute: DateTime<Utc>) -> serde_json::Result<Self> {
        let mut tickets: Vec<(Section, Order, BoardRow, Placement)> =
            board.rows.into_iter().filter_map(|row| placed(row, minute)).collect();
        tickets.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));

        let mut writer = BodyWriter::new(tickets.len());
        let mut pieces = Vec::with_capacity(tickets.len());
        for (section, _, row, placement) in tickets {
            let group_id = row.group_id;
            let responder_id = row.responder_id;
            let company_id = row.company_id.as_deref().map(Arc::from);
            let json = serde_json::to_vec(&ticket(row, placement, minute))?;
            let bytes = writer.ticket(section, &json);
            pieces.push(Piece { bytes, section, group_id, responder_id, company_id });
        }
        let body = writer.finish(board.last_sync_time, minute);
        Ok(Self {
            minute,
            version: board.version,
            etag: etag(&body),
            body,
            gzip: OnceLock::new(),
            tickets: pieces,
            last_sync_time: board.last_sync_time,
        })
    }

    /// Whether this is the answer for `minute` with everything committed up to `version`. The next minute's does as well,
    /// for who comes late; anything later was made before the clock was set back.
    pub fn answers(&self, minute: DateTime<Utc>, version: i64) -> bool {
        let ahead = self.minute - minute;
        (TimeDelta::zero()..=TimeDelta::minutes(1)).contains(&ahead) && self.version >= version
    }

    /// The whole board as JSON.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// The whole board, compressed once. The first call takes some milliseconds.
    pub fn gzip(&self) -> Bytes {
        self.gzip.get_or_init(|| compressed(&self.body)).clone()
    }

    /// The gzip form, if it has been made.
    pub fn ready_gzip(&self) -> Option<Bytes> {
        self.gzip.get().cloned()
    }

    /// Changes with the bytes. Weak, since the compressed form carries the same.
    pub fn etag(&self) -> &HeaderValue {
        &self.etag
    }

    /// The part of the board that passes, with its own entity tag.
    pub fn part(&self, filter: &Filter) -> (Bytes, HeaderValue) {
        let mut writer = BodyWriter::new(0);
        for piece in self.tickets.iter().filter(|piece| filter.passes(piece)) {
            writer.ticket(piece.section, &self.body[piece.bytes.clone()]);
        }
        let body = writer.finish(self.last_sync_time, self.minute);
        let etag = etag(&body);
        (body, etag)
    }
}

/// Writes the envelope around tickets that come in board order.
struct BodyWriter {
    body: Vec<u8>,
    open: usize,
    count: usize,
    first_in_section: bool,
}

impl BodyWriter {
    fn new(expected: usize) -> Self {
        let mut body = Vec::with_capacity(256 + expected * 2048);
        body.extend_from_slice(b"{\"section1\":[");
        Self { body, open: 0, count: 0, first_in_section: true }
    }

    fn ticket(&mut self, section: Section, json: &[u8]) -> Range<usize> {
        while Section::ALL[self.open] < section {
            self.next_section();
        }
        if !std::mem::take(&mut self.first_in_section) {
            self.body.push(b',');
        }
        let start = self.body.len();
        self.body.extend_from_slice(json);
        self.count += 1;
        start..self.body.len()
    }

    fn next_section(&mut self) {
        self.open += 1;
        self.first_in_section = true;
        self.body.extend_from_slice(format!("],\"section{}\":[", self.open + 1).as_bytes());
    }

    fn finish(mut self, last_sync_time: Option<DateTime<Utc>>, minute: DateTime<Utc>) -> Bytes {
        while self.open + 1 < Section::ALL.len() {
            self.next_section();
        }
        let last_sync_time =
            last_sync_time.map_or_else(|| "null".to_owned(), |time| format!("\"{}\"", iso(time)));
        self.body.extend_from_slice(
            format!(
                "],\"last_sync_time\":{last_sync_time},\"last_updated\":\"{}\",\"total_active\":{}}}",
                iso(minute),
                self.count
            )
            .as_bytes(),
        );
        self.body.into()
    }
}

fn placed(row: BoardRow, minute: DateTime<Utc>) -> Option<(Section, Order, BoardRow, Placement)> {
    let facts = Facts {
        status: row.status.as_deref(),
        priority: row.priority.as_deref(),
        ticket_type: row.ticket_type.as_deref(),
        last_updated_at: row.updated_at,
        fr_due_by: row.fr_due_by,
        due_by: row.due_by,
        first_responded_at: row.first_responded_at,
        agent_responded_at: row.agent_responded_at,
    };
    let placement = board::place(&facts, minute)?;
    let order = board::order(&placement, row.priority_id, row.created_at, row.updated_at, row.id);
    Some((placement.section, order, row, placement))
}

fn ticket(row: BoardRow, placement: Placement, minute: DateTime<Utc>) -> Ticket {
    let status_key = row.status.unwrap_or_else(|| status::UNKNOWN.to_owned());
    let priority_key = row.priority.unwrap_or_else(|| priority::UNKNOWN.to_owned());
    let status = row.status_id.map(i64::from);
    let priority = row.priority_id.map(i64::from);
    let requester = row.requester_id.map(|id| format!("Requester {id}"));
    Ticket {
        id: row.id,
        external_id: PsaId(row.external_id),
        ticket_number: row.ticket_number,
        subject: row.subject.unwrap_or_default(),
        description: row.description.as_deref().map(safe_html).unwrap_or_default(),
        description_text: row.description_text.unwrap_or_default(),
        status,
        status_id: status,
        status_text: status_text(&status_key),
        status_key,
        priority,
        priority_raw: priority,
        priority_id: priority,
        priority_text: priority_text(&priority_key),
        priority_key,
        kind: row.ticket_type.clone(),
        ticket_type: row.ticket_type,
        company_id: row.company_id,
        company_name: row.company_name,
        company_compliance_level: row.company_compliance_level,
        requester_name: row.requester_name.or(requester).unwrap_or_else(|| words::NOT_AVAILABLE.to_owned()),
        requester_id: row.requester_id.map(PsaId),
        requester_email: row.requester_email,
        agent_name: agent_name(row.responder_id, row.agent_name),
        responder_id: row.responder_id.map(PsaId),
        group_id: row.group_id.map(PsaId),
        tags: row.tags.0,
        source: Some(row.source),
        created_at: row.created_at,
        updated_at: row.updated_at,
        created_at_str: row.created_at_str.unwrap_or_default(),
        updated_at_str: row.updated_at_str.unwrap_or_default(),
        fr_due_by: row.fr_due_by,
        due_by: row.due_by,
        first_responded_at: row.first_responded_at,
        agent_responded_at: row.agent_responded_at,
        updated_friendly: words::ago(row.updated_at, minute),
        created_days_old: words::days_old(row.created_at, minute),
        agent_responded_friendly: words::ago(row.agent_responded_at, minute),
        sla_text: placement.sla_text,
        sla_color: placement.sla_color,
        sla_class: placement.sla_class.to_owned(),
        total_hours_spent: row.total_hours_spent.to_f64().unwrap_or_default(),
    }
}

/// Safe HTML of at most [`TEXT_LIMIT`] characters. The source is cut, not the result, so every tag is closed.
fn safe_html(source: &str) -> String {
    let mut keep = TEXT_LIMIT;
    loop {
        let cut = source.char_indices().nth(keep).map_or(source, |(end, _)| &source[..end]);
        let safe = html::sanitise(cut);
        let length = safe.chars().count();
        if length <= TEXT_LIMIT || keep == 0 {
            return safe;
        }
        // Escaping and closing tags made it longer than its source.
        keep = (keep * TEXT_LIMIT / length).min(keep - 1);
    }
}

fn etag(body: &[u8]) -> HeaderValue {
    let mut text = String::with_capacity(40);
    // Writing into a String cannot fail.
    let _ = write!(text, "W/\"{}\"", Uuid::new_v5(&Uuid::NAMESPACE_OID, body).simple());
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("W/\"0\""))
}

fn compressed(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), GZIP_LEVEL);
    // Writing into memory cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default().into()
}
