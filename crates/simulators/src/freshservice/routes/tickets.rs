//! Tickets, their conversations and time entries.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::answer::{ApiError, ListCall, single};
use super::super::query::{Field, Filter, Kind};
use super::super::records::Collection;
use super::super::wire::ticket as wire;
use super::super::{Engine, State as Sim};
use super::master::record;
use crate::world::Folder;
use crate::world::people::FIRST_AGENT_ID;
use crate::world::{Ticket, status};

type Answer = Result<Response, ApiError>;

/// Includes of a list.
const LIST_INCLUDES: &[&str] = &["requester", "stats", "tags", "requested_for", "department"];

/// Includes of a single ticket.
const SINGLE_INCLUDES: &[&str] = &[
    "conversations",
    "tags",
    "requester",
    "stats",
    "problem",
    "assets",
    "change",
    "related_tickets",
    "requested_for",
    "department",
    "feedback",
];

/// Fields of the query language.
const FIELDS: &[(&str, Kind)] = &[
    ("workspace_id", Kind::Number),
    ("requester_id", Kind::Number),
    ("email", Kind::Text),
    ("agent_id", Kind::NumberOrNull),
    ("group_id", Kind::NumberOrNull),
    ("priority", Kind::Number),
    ("status", Kind::Number),
    ("impact", Kind::Number),
    ("urgency", Kind::Number),
    ("tag", Kind::Text),
    ("due_by", Kind::Time),
    ("fr_due_by", Kind::Time),
    ("created_at", Kind::Time),
    ("updated_at", Kind::Time),
    ("po_number", Kind::Text),
];

fn email_of(sim: &Sim, requester: Option<u64>) -> Option<String> {
    let contact = record(sim, Collection::Requesters, requester?)?;
    contact["primary_email"].as_str().map(str::to_owned)
}

fn field(sim: &Sim, t: &Ticket, name: &str) -> Field {
    match name {
        "workspace_id" => Field::Number(Some(wire::PRIMARY_WORKSPACE)),
        "requester_id" => Field::Number(t.requester_id),
        "agent_id" => Field::Number(t.responder_id),
        "group_id" => Field::Number(t.group_id),
        "priority" => Field::Number(Some(t.priority.into())),
        "status" => Field::Number(Some(t.status.into())),
        "impact" | "urgency" => Field::Number(Some(wire::urgency(t))),
        "due_by" => Field::Time(t.due_by),
        "fr_due_by" => Field::Time(t.fr_due_by),
        "created_at" => Field::Time(Some(t.created_at)),
        "updated_at" => Field::Time(Some(t.updated_at)),
        "tag" => Field::Text(sim.world.tags(t)),
        "email" => Field::Text(email_of(sim, t.requester_id).into_iter().collect()),
        _ => Field::Text(vec![wire::po_number(t)]),
    }
}

fn time_parameter(call: &ListCall, name: &'static str) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(text) = call.get(name) else { return Ok(None) };
    let at = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok();
    let at = at.or_else(|| {
        text.parse::<chrono::NaiveDate>().ok().map(|day| day.and_time(Default::default()).and_utc())
    });
    at.map(Some)
        .ok_or_else(|| ApiError::invalid(name, "It should be in the 'combined date and time ISO8601' format"))
}

/// The conditions of GET `/tickets`.
struct Conditions {
    folder: Folder,
    mine: bool,
    watching: bool,
    requester: Option<u64>,
    email: Option<String>,
    kind: Option<String>,
    elsewhere: bool,
}

impl Conditions {
    fn read(call: &ListCall) -> Result<Self, ApiError> {
        let filter = call.get("filter").unwrap_or_default();
        if !matches!(filter, "" | "new_and_my_open" | "watching" | "spam" | "deleted") {
            return Err(ApiError::invalid("filter", format!("Unknown value '{filter}'")));
        }
        let number = |name: &'static str| match call.get(name).map(str::parse::<u64>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(ApiError::invalid(name, "It should be a Positive Integer")),
        };
        Ok(Self {
            folder: match filter {
                "spam" => Folder::Spam,
                "deleted" => Folder::Deleted,
                _ => Folder::Listed,
            },
            mine: filter == "new_and_my_open",
            watching: filter == "watching",
            requester: number("requester_id")?,
            email: call.get("email").map(str::to_lowercase),
            kind: call.get("type").map(str::to_owned),
            elsewhere: number("workspace_id")?.is_some_and(|id| id != 0 && id != wire::PRIMARY_WORKSPACE),
        })
    }

    fn fit(&self, sim: &Sim, t: &Ticket) -> bool {
        let mine = t.status == status::OPEN && t.responder_id.is_none_or(|id| id == FIRST_AGENT_ID);
        let fits_email = |wanted: &String| {
            email_of(sim, t.requester_id).is_some_and(|email| email.to_lowercase() == *wanted)
        };
        (!self.mine || mine)
            && !self.watching
            && !self.elsewhere
            && self.requester.is_none_or(|id| t.requester_id == Some(id))
            && self.kind.as_ref().is_none_or(|kind| t.kind == *kind)
            && self.email.as_ref().is_none_or(fits_email)
    }

    /// Nothing but the folder matters, so tickets need not be made up to be counted past.
    fn is_plain(&self) -> bool {
        !(self.mine || self.watching || self.elsewhere)
            && self.requester.is_none()
            && self.email.is_none()
            && self.kind.is_none()
    }
}

/// GET `/tickets`: newest first; those of the last 30 days unless `updated_since` is given.
pub async fn list(State(engine): State<Arc<Engine>>, call: ListCall) -> Answer {
    let now = engine.config.clock.now();
    let includes = call.includes(LIST_INCLUDES)?;
    let updated_since = time_parameter(&call, "updated_since")?;
    let created_since = updated_since.is_none().then(|| now - TimeDelta::days(30));
    let conditions = Conditions::read(&call)?;
    let oldest_first = match call.get("order_type") {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => {
            return Err(ApiError::invalid("order_type", "It should be one of these values: 'asc,desc'"));
        }
    };
    let sim = engine.state();
    let fits = |id: &u64| {
        conditions.is_plain() || sim.world.ticket(*id).is_some_and(|ticket| conditions.fit(&sim, &ticket))
    };
    let ids = sim.world.ids(conditions.folder, updated_since, created_since).filter(fits);
    let (ids, more) = if oldest_first { call.take(ids.rev()) } else { call.take(ids) };
    Ok(call.page("tickets", rows(&sim, &ids, &includes, now), more))
}

fn rows(sim: &Sim, ids: &[u64], includes: &[&str], now: DateTime<Utc>) -> Vec<Value> {
    ids.iter().filter_map(|id| sim.world.ticket(*id)).map(|t| wire::row(sim, &t, includes, now)).collect()
}

/// GET `/tickets/filter`: by query, with a total and without `Link`.
pub async fn filter(State(engine): State<Arc<Engine>>, call: ListCall) -> Answer {
    let now = engine.config.clock.now();
    let includes = call.includes(LIST_INCLUDES)?;
    let query = call.get("query").ok_or_else(|| ApiError::invalid("query", "It should not be blank"))?;
    let filter = Filter::parse(query, FIELDS).map_err(|message| ApiError::invalid("query", message))?;
    let sim = engine.state();
    let fits =
        |id: &u64| sim.world.ticket(*id).is_some_and(|t| filter.matches(&|name| field(&sim, &t, name)));
    let ids: Vec<u64> = sim.world.ids(Folder::Listed, None, None).filter(fits).collect();
    let total = ids.len();
    let (page, _) = call.take(ids.into_iter());
    Ok(Json(json!({"tickets": rows(&sim, &page, &includes, now), "total": total})).into_response())
}

/// GET `/tickets/{id}`; spam and deleted ones too, marked as such.
pub async fn one(State(engine): State<Arc<Engine>>, Path(id): Path<u64>, call: ListCall) -> Answer {
    let includes = call.includes(SINGLE_INCLUDES)?;
    let sim = engine.state();
    let ticket = sim.world.ticket(id).ok_or(ApiError::NotFound)?;
    Ok(single("ticket", wire::single(&sim, &ticket, &includes, engine.config.clock.now())))
}

/// GET `/tickets/{id}/conversations`.
pub async fn conversations(State(engine): State<Arc<Engine>>, Path(id): Path<u64>, call: ListCall) -> Answer {
    let sim = engine.state();
    let ticket = sim.world.ticket(id).ok_or(ApiError::NotFound)?;
    let (entries, more) = call.take(sim.world.thread(&ticket).into_iter());
    let rows = entries.iter().map(|entry| wire::conversation(&ticket, entry)).collect();
    Ok(call.page("conversations", rows, more))
}

/// GET `/tickets/{id}/time_entries`.
pub async fn time_entries(State(engine): State<Arc<Engine>>, Path(id): Path<u64>, call: ListCall) -> Answer {
    let sim = engine.state();
    let ticket = sim.world.ticket(id).ok_or(ApiError::NotFound)?;
    let (entries, more) = call.take(sim.world.work(&ticket).into_iter());
    let rows = entries.iter().map(wire::time_entry).collect();
    Ok(call.page("time_entries", rows, more))
}
