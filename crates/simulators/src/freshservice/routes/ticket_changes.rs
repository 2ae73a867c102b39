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
use crate::world::thread::Entry;
use crate::world::{Ticket, status};

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
    settle_times(&mut ticket, now);
    ticket.updated_at = now;
    let answer = wire::single(&sim, &ticket, &[], now);
    sim.world.put(ticket);
    Ok(single("ticket", answer))
}

/// A ticket that is finished has times of that, any other has none.
fn settle_times(ticket: &mut Ticket, now: chrono::DateTime<chrono::Utc>) {
    if !status::is_closed(ticket.status) {
        ticket.resolved_at = None;
        ticket.closed_at = None;
        return;
    }
    ticket.resolved_at.get_or_insert(now);
    if ticket.status != status::RESOLVED {
        ticket.closed_at.get_or_insert(now);
    }
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

/// The text of simple HTML: line breaks kept, other tags dropped, entities decoded.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('>') else {
            rest = "";
            break;
        };
        if rest[start..start + end].starts_with("<br") {
            text.push('\n');
        }
        rest = &rest[start + end + 1..];
    }
    text.push_str(rest);
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text, |text, (entity, letter)| text.replace(entity, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_note_is_what_was_written() {
        for (html, text) in [
            ("<div>Called &lt;Jo&gt; &amp; left<br>a message</div>", "Called <Jo> & left\na message"),
            ("&amp;lt;", "&lt;"),
            ("no tags", "no tags"),
            ("open <b", "open "),
        ] {
            assert_eq!(plain(html), text);
        }
    }
}
