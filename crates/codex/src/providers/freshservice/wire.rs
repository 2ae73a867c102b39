//! Freshservice tickets, messages and bookings as normalised rows (codex-api.md §6.3, §6.4, §13.1).

use rust_decimal::Decimal;

use super::super::html;
use super::super::row::Row;
use super::super::types::{Conversation, PsaTicket, PsaTimeEntry};
use crate::domain::priority;
use crate::domain::status::StatusMap;

/// A ticket of a list or a single one.
pub(super) fn ticket(row: &mut Row<'_>, statuses: &StatusMap) -> Option<PsaTicket> {
    let external_id = row.int("id")?;
    let html_description = row.text("description");
    let description_text = row
        .text("description_text")
        .or_else(|| html_description.clone())
        .map(|text| html::to_text(&text))
        .filter(|text| !text.is_empty());
    let status_id = row.code("status");
    let priority_id = row.code("priority");
    let status = status_id.map(|code| statuses.key(code).to_owned());
    let updated_at = row.time("updated_at");
    let mut requester = row.object("requester");
    let mut stats = row.object("stats");
    let embedded =
        |requester: &mut Option<Row<'_>>, name| requester.as_mut().and_then(|embed| embed.text(name));
    let closed_at = stats.as_mut().and_then(|stats| stats.time("closed_at"));
    Some(PsaTicket {
        external_id,
        ticket_number: external_id.to_string(),
        subject: row.line("subject"),
        description: html_description.map(|html| html::sanitise(&html)),
        description_text,
        closed_at: closed_at.filter(|_| status.as_deref() == Some("closed")),
        status,
        status_id,
        priority: priority_id.map(|code| priority::key(code).to_owned()),
        priority_id,
        ticket_type: row.text("type").unwrap_or_else(|| "Incident".to_owned()),
        requester_id: row.int("requester_id"),
        requester_email: embedded(&mut requester, "email")
            .or_else(|| embedded(&mut requester, "primary_email")),
        requester_name: requester
            .as_mut()
            .and_then(|embed| embed.line("name"))
            .or_else(|| full_name(requester.as_mut()?)),
        responder_id: row.int("responder_id"),
        group_id: row.int("group_id"),
        department_id: row.int("department_id"),
        created_at: row.time("created_at"),
        updated_at,
        fr_due_by: row.time("fr_due_by"),
        due_by: row.time("due_by"),
        has_stats: stats.is_some(),
        first_responded_at: stats.as_mut().and_then(|stats| stats.time("first_responded_at")),
        agent_responded_at: stats.as_mut().and_then(|stats| stats.time("agent_responded_at")),
        tags: row.get("tags").is_some().then(|| row.texts("tags")),
        spam: row.flag("spam", false),
        deleted: row.flag("deleted", false),
        description_apart: false,
    })
}

fn full_name(person: &mut Row<'_>) -> Option<String> {
    let parts: Vec<String> =
        ["first_name", "last_name"].into_iter().filter_map(|part| person.text(part)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A message of a ticket.
pub(super) fn conversation(row: &mut Row<'_>) -> Option<Conversation> {
    let body_html = row.text("body").unwrap_or_default();
    let body = row.text("body_text").unwrap_or_else(|| body_html.clone());
    Some(Conversation {
        id: row.int("id")?,
        body: html::to_text(&body),
        body_html: html::sanitise(&body_html),
        from_email: row.text("from_email"),
        to_emails: row.texts("to_emails"),
        created_at: row.time("created_at"),
        updated_at: row.time("updated_at"),
        incoming: row.flag("incoming", false),
        private: row.flag("private", false),
        user_id: row.int("user_id"),
        support_email: row.text("support_email"),
    })
}

/// A booking, or its id where it cannot be read: it is there all the same, and what is stored of it must not be taken for
/// removed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Booking {
    Read(PsaTimeEntry),
    Unread(Option<i64>),
}

pub(super) fn booking(row: &mut Row<'_>) -> Booking {
    let id = row.int("id");
    let spent = row.text("time_spent");
    let (Some(external_id), Some(hours)) = (id, spent.as_deref().and_then(hours)) else {
        let spent = spent.map_or_else(|| "missing".to_owned(), |text| format!("'{text}'"));
        row.note_that(format!("its time is {spent}; what was stored of it stays"));
        return Booking::Unread(id);
    };
    let created_at = row.time("created_at");
    Booking::Read(PsaTimeEntry {
        external_id,
        hours,
        agent_id: row.int("agent_id"),
        billable: row.get("billable").is_some().then(|| row.flag("billable", false)),
        executed_at: row.time("executed_at").or_else(|| row.time("start_time")).or(created_at),
        created_at,
        updated_at: row.time("updated_at"),
    })
}

/// `HH:MM` or `HH:MM:SS` as decimal hours with four places.
fn hours(text: &str) -> Option<Decimal> {
    let mut parts = text.trim().split(':');
    let mut next = |limit: u32| -> Option<u32> {
        let part = parts.next()?;
        let number = part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
        number.filter(|number| *number < limit)
    };
    let (whole, minutes) = (next(100_000)?, next(60)?);
    let seconds = if text.matches(':').count() == 2 { next(60)? } else { 0 };
    if parts.next().is_some() {
        return None;
    }
    let total = Decimal::from(u64::from(whole) * 3600 + u64::from(minutes * 60 + seconds));
    Some((total / Decimal::from(3600)).round_dp(4))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn booked_time_becomes_decimal_hours() {
        for (text, expected) in [
            ("00:15", Some("0.25")),
            ("1:30", Some("1.5")),
            ("00:20", Some("0.3333")),
            ("12:00:36", Some("12.01")),
            ("00:60", None),
            ("90", None),
            ("-1:00", None),
            ("1:00:00:00", None),
            ("abc", None),
        ] {
            assert_eq!(hours(text), expected.map(|text| text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_booking_that_cannot_be_read_is_there_all_the_same() {
        let read = |value: serde_json::Value| booking(&mut Row::of(&value).unwrap());
        for (value, id) in [
            (json!({"id": 5, "time_spent": "soon"}), Some(5)),
            (json!({"id": "5", "time_spent": null}), Some(5)),
            (json!({"id": "x", "time_spent": "01:00"}), None),
            (json!({}), None),
        ] {
            assert_eq!(read(value.clone()), Booking::Unread(id), "{value}");
        }
        let Booking::Read(entry) = read(json!({"id": 5, "time_spent": "01:30"})) else { panic!("not read") };
        assert_eq!((entry.external_id, entry.hours), (5, "1.5".parse().unwrap()));
    }

    fn read(value: &serde_json::Value) -> Option<PsaTicket> {
        ticket(&mut Row::of(value).unwrap(), &StatusMap::freshservice([]))
    }

    #[test]
    fn a_list_row_becomes_a_ticket() {
        let ticket = read(&json!({"id": 12345, "subject": "Password reset", "type": null, "status": 26, "priority": 4,
            "description": "<div>Hi <b>there</b> &eacute;</div><script>x()</script>", "description_text": "",
            "requester_id": 19000111111i64, "responder_id": null, "group_id": "19000123456",
            "created_at": "2025-11-22T09:00:00Z", "updated_at": "2025-11-22T09:15:00Z", "spam": false, "deleted": false,
            "requester": {"id": 19000111111i64, "name": "John Doe", "email": "john@acme.example"},
            "stats": {"ticket_id": 990001, "first_responded_at": "2025-11-22T09:10:00Z"}, "tags": ["vip"]}))
        .unwrap();
        assert_eq!(ticket.status.as_deref(), Some("customer_replied"));
        assert_eq!(ticket.priority.as_deref(), Some("urgent"));
        assert_eq!(ticket.ticket_type, "Incident");
        assert_eq!(ticket.description.as_deref(), Some("<div>Hi <b>there</b> é</div>"));
        assert_eq!(ticket.description_text.as_deref(), Some("Hi there é"));
        assert_eq!(ticket.group_id, Some(19_000_123_456));
        assert_eq!(ticket.requester_name.as_deref(), Some("John Doe"));
        assert!(ticket.has_stats && ticket.first_responded_at.is_some() && ticket.closed_at.is_none());
        assert_eq!(ticket.tags, Some(vec!["vip".to_owned()]));
    }

    #[test]
    fn a_row_with_nothing_but_an_id_is_still_a_ticket() {
        let ticket = read(&json!({"id": 1, "status": 777, "requester": null, "stats": null})).unwrap();
        assert_eq!((ticket.status.as_deref(), ticket.priority), (Some("unknown"), None));
        assert!(!ticket.has_stats && ticket.requester_name.is_none() && ticket.tags.is_none());
        assert_eq!(read(&json!({"subject": "no id"})), None);
    }
}
