//! Changes to tickets.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::Engine;
use super::super::answer::{ApiError, single};
use super::super::records::Collection;
use super::super::wire::ticket as wire;
use super::master::record;
use crate::world::people::FIRST_AGENT_ID;
use crate::world::status;
use crate::world::text::plain;
use crate::world::thread::Entry;

type Answer = Result<Response, ApiError>;

/// The status codes of this tenant.
const STATUSES: [u16; 14] = [
    status::OPEN,
    status::PENDING,
    status::RESOLVED,
    status::CLOSED,
    status::SCHEDULED,
    status::WAITING_CUSTOMER,
    status::WAITING_THIRD_PARTY,
    status::UNDER_INVESTIGATION,
    status::JOB_COMPLETE_BILL,
    status::BILLING_COMPLETE,
    status::UPDATE_NEEDED,
    status::ON_HOLD,
    status::CUSTOMER_REPLIED,
    status::PENDING_HUBSPOT,
];

/// PUT `/tickets/{id}` with any of `status`, `priority`, `responder_id`, `group_id`.
pub async fn update(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<u64>,
    Json(members): Json<Map<String, Value>>,
) -> Answer {
    let now = engine.config.clock.now();
    let mut sim = engine.state();
    let mut ticket = sim.world.ticket(id).map(Cow::into_owned).ok_or(ApiError::NotFound)?;
    for (name, value) in &members {
        match name.as_str() {
            "status" => {
                let code = value.as_u64().and_then(|code| u16::try_from(code).ok());
                ticket.status = code.filter(|code| STATUSES.contains(code)).ok_or_else(|| {
                    ApiError::invalid("status", "It should be one of the statuses of the account")
                })?;
            }
            "priority" => {
                let code = value.as_u64().and_then(|code| u8::try_from(code).ok());
                ticket.priority = code.filter(|code| (1..=4).contains(code)).ok_or_else(|| {
                    ApiError::invalid("priority", "It should be one of these values: '1,2,3,4'")
                })?;
            }
            "responder_id" => {
                let known = |id: &u64| record(&sim, Collection::Agents, *id).is_some();
                ticket.responder_id = reference("responder_id", value, known)?;
            }
            "group_id" => {
                let known = |id: &u64| record(&sim, Collection::Groups, *id).is_some();
                ticket.group_id = reference("group_id", value, known)?;
            }
            _ => {
                return Err(ApiError::invalid(
                    "request",
                    format!("Unexpected/invalid field '{name}' in request"),
                ));
            }
        }
    }
    ticket.settle_times(now);
    ticket.updated_at = now;
    let answer = wire::single(&sim, &ticket, &[], now);
    sim.world.put(ticket);
    Ok(single("ticket", answer))
}

fn reference(
    field: &'static str,
    value: &Value,
    known: impl Fn(&u64) -> bool,
) -> Result<Option<u64>, ApiError> {
    if value.is_null() {
        return Ok(None);
    }
    let id = value.as_u64().filter(known);
    id.map(Some).ok_or_else(|| ApiError::invalid(field, "There is no record matching this value"))
}

/// POST `/tickets/{id}/notes` with `body` (HTML) and `private`; written by whose key it is.
pub async fn add_note(
    State(engine): State<Arc<Engine>>,
    Path(id): Path<u64>,
    Json(note): Json<Value>,
) -> Answer {
    let html = note["body"].as_str().filter(|body| !body.trim().is_empty());
    let html = html.ok_or_else(|| ApiError::invalid("body", "It should not be blank"))?;
    let private = match &note["private"] {
        Value::Null => true,
        Value::Bool(private) => *private,
        _ => return Err(ApiError::invalid("private", "It should be a/an Boolean")),
    };
    let now = engine.config.clock.now();
    let mut sim = engine.state();
    let mut ticket = sim.world.ticket(id).map(Cow::into_owned).ok_or(ApiError::NotFound)?;
    ticket.thread.push(Entry {
        id: 0,
        text: plain(html),
        incoming: false,
        private,
        user_id: Some(FIRST_AGENT_ID),
        at: now,
    });
    ticket.updated_at = now;
    // The newest of those that were written at this moment is the one just added.
    let entry = sim.world.thread(&ticket).pop();
    sim.world.put(ticket.clone());
    let conversation = entry.map(|entry| wire::conversation(&ticket, &entry));
    Ok((StatusCode::CREATED, Json(json!({ "conversation": conversation }))).into_response())
}
