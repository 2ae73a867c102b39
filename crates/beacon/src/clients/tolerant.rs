//! Reading answers in which a single row is broken: the row is patched or left out, the board is never lost for it
//! (beacon.md §13).

use std::borrow::Cow;

use hivematrix_shared::contracts::codex::{ActiveTickets, Display, PsaAgent, Ticket};
use serde::Deserialize;
use serde_json::{Map, Value};

const SECTIONS: [&str; 4] = ["section1", "section2", "section3", "section4"];

/// The board of an answer. Fails only when the answer is not a JSON object.
pub fn board(body: &[u8]) -> Result<ActiveTickets, serde_json::Error> {
    let body = &*readable(body);
    // A list would be read as the members in order.
    if body.trim_ascii_start().starts_with(b"{")
        && let Ok(board) = serde_json::from_slice(body)
    {
        return Ok(board);
    }
    let mut envelope: Map<String, Value> = serde_json::from_slice(body)?;
    for section in SECTIONS {
        if let Some(list) = envelope.get_mut(section) {
            *list = Value::Array(rows(list.take()).filter_map(ticket).collect());
        }
    }
    for time in ["last_sync_time", "last_updated"] {
        envelope.retain(|name, value| name != time || value.is_string());
    }
    serde_json::from_value(Value::Object(envelope))
}

/// The agents of an answer; a broken one is left out. Fails only when the answer is not a JSON list.
pub fn agents(body: &[u8]) -> Result<Vec<PsaAgent>, serde_json::Error> {
    let list: Vec<Value> = serde_json::from_slice(&readable(body))?;
    Ok(list.into_iter().filter_map(|agent| serde_json::from_value(agent).ok()).collect())
}

/// The display links of an answer; a broken one is left out. Fails only when there is no list.
pub fn displays(body: &[u8]) -> Result<Vec<Display>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Answer {
        displays: Vec<Value>,
    }
    let answer: Answer = serde_json::from_slice(&readable(body))?;
    Ok(answer.displays.into_iter().filter_map(|link| serde_json::from_value(link).ok()).collect())
}

/// The body with replacement characters for bytes that are no text.
fn readable(body: &[u8]) -> Cow<'_, [u8]> {
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(_) => Cow::Borrowed(body),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

fn rows(list: Value) -> impl Iterator<Item = Value> {
    match list {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
    .into_iter()
}

/// The ticket without the members that cannot be read; none when it has no id left to be known by.
fn ticket(row: Value) -> Option<Value> {
    let Value::Object(mut members) = row else {
        tracing::warn!("a ticket that is not an object was left out");
        return None;
    };
    members.retain(|name, value| {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        let readable = serde_json::from_value::<Ticket>(Value::Object(alone)).is_ok();
        if !readable {
            tracing::warn!(member = name, "an unreadable member of a ticket was left out");
        }
        readable
    });
    let has_id = ["id", "external_id"].iter().any(|name| members.get(*name).is_some_and(|id| !id.is_null()));
    has_id.then_some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_broken_ticket_is_patched_or_left_out_and_the_others_stay() {
        for (row, expected) in [
            (json!({"id": 1, "subject": "fine"}), Some((1, "fine"))),
            (json!({"id": 1, "subject": 7}), Some((1, ""))),
            (json!({"id": 1, "subject": "s", "priority": {}, "group_id": "x", "tags": "t"}), Some((1, "s"))),
            (
                json!({"id": 1, "subject": "s", "sla_color": "pink", "total_hours_spent": "NaN"}),
                Some((1, "s")),
            ),
            (json!({"id": [], "subject": "s"}), None),
            (json!({}), None),
            (json!("ticket"), None),
            (json!(null), None),
        ] {
            let body = json!({"section1": [row], "section2": [{"id": 2}], "last_sync_time": 5}).to_string();
            let board = board(body.as_bytes()).unwrap();
            let found = board.section1.first().map(|ticket| (ticket.id, ticket.subject.as_str()));
            assert_eq!(found, expected, "{body}");
            assert_eq!(board.section2[0].id, 2, "{body}");
        }
    }

    #[test]
    fn missing_or_wrong_sections_are_empty_and_other_bodies_an_error() {
        for (body, total) in [
            ("{}", Some(0)),
            (r#"{"section1": null, "section4": {"id": 1}}"#, Some(0)),
            ("[]", None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(board(body.as_bytes()).ok().map(|board| board.total_active), total, "{body}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_cost_one_letter() {
        let body = b"{\"section1\": [{\"id\": 1, \"subject\": \"J\xF6rg\"}]}";
        assert_eq!(board(body).unwrap().section1[0].subject, "J\u{fffd}rg");
    }

    #[test]
    fn a_broken_display_link_is_left_out() {
        let good = json!({"id": "6f2a54ce-3d0b-4f0e-8b5e-0f4bb9f8c9ab", "name": "Wall", "view": "helpdesk",
                          "subjects": true, "created_by": null, "created_at": "2025-11-22T10:00:00Z"});
        let body = json!({"displays": [good, {"id": "x"}, null]}).to_string();
        let names: Vec<_> = displays(body.as_bytes()).unwrap().into_iter().map(|link| link.name).collect();
        assert_eq!(names, ["Wall"]);
        assert!(displays(b"{}").is_err());
    }

    #[test]
    fn a_broken_agent_is_left_out() {
        let body = json!([{"id": 1, "external_id": 5, "name": "Ana"}, {"id": 2}, null, 7]).to_string();
        let names: Vec<_> = agents(body.as_bytes()).unwrap().into_iter().map(|agent| agent.name).collect();
        assert_eq!(names, ["Ana"]);
    }
}
