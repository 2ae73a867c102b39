//! Tickets, messages and hours as normalised rows (codex-api.md §6.3, §6.4, §13.3).

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use super::super::html;
use super::super::row::Row;
use super::super::types::{Conversation, Description, PsaTicket, PsaTimeEntry};
use crate::domain::vendor_words::{self, StatusNames};
use crate::domain::{priority, status};

/// The requester has answered.
const REQUESTER: &str = "REQ_REPLY";
/// A technician has answered.
const TECHNICIAN: &str = "TECH_REPLY";
/// What the requester wrote first: the ticket's description.
const DESCRIPTION: &str = "DESCRIPTION";
/// Messages that the vendor sends by itself; nobody has answered by them.
const NOTIFICATIONS: [&str; 2] = ["REQ_NOTIFICATION", "TECH_NOTIFICATION"];

/// Key of tickets whose requester wrote last.
const CUSTOMER_REPLIED: &str = "customer_replied";

/// The unit of the time spent on a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum WorklogUnit {
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
}

/// A ticket of a list or a single one; who wrote last comes with [`LastWords`].
pub(super) fn ticket(row: &mut Row<'_>, statuses: &StatusNames) -> Option<PsaTicket> {
    let external_id = row.int("ticketId")?;
    let status = row.text("status").map(|name| {
        statuses.key(&name).map_or_else(
            || {
                row.note_that(format!("status '{name}' is in no status map"));
                status::UNKNOWN.to_owned()
            },
            str::to_owned,
        )
    });
    let priority_id = row.text("priority").and_then(|name| {
        let code = vendor_words::priority_code(&name);
        if code.is_none() {
            row.note_that(format!("priority '{name}' is unknown"));
        }
        code
    });
    let updated_at = row.time("updatedTime");
    let resolved_at = row.time("resolutionTime");
    let closed = status.as_deref() == Some("closed");
    let mut requester = row.object("requester");
    let id = |row: &Row<'_>, name: &str, id: &str| row.object(name).and_then(|mut object| object.int(id));
    Some(PsaTicket {
        external_id,
        ticket_number: row.text("displayId").unwrap_or_else(|| external_id.to_string()),
        subject: row.line("subject"),
        status_id: status.as_deref().and_then(vendor_words::status_code),
        status,
        priority: priority_id.map(|code| priority::key(code).to_owned()),
        priority_id,
        ticket_type: ticket_type(row),
        requester_id: requester.as_mut().and_then(|person| person.int("userId")),
        requester_email: requester.as_mut().and_then(|person| person.text("email")),
        requester_name: requester.as_mut().and_then(|person| person.line("name")),
        responder_id: id(row, "technician", "userId"),
        group_id: id(row, "techGroup", "groupId"),
        department_id: id(row, "client", "accountId"),
        created_at: row.time("createdTime"),
        updated_at,
        closed_at: resolved_at.filter(|_| closed),
        fr_due_by: row.time("firstResponseDueTime"),
        due_by: row.time("resolutionDueTime"),
        has_stats: true,
        first_responded_at: row.time("firstResponseTime"),
        description_apart: true,
        ..PsaTicket::default()
    })
}

/// `Incident` or `Service Request`; the vendor has it as `requestType`, and as `ticketType` in capitals.
fn ticket_type(row: &mut Row<'_>) -> String {
    let named = row.text("requestType").or_else(|| row.text("ticketType"));
    match named.as_deref().map(|name| name.replace('_', " ").to_lowercase()).as_deref() {
        Some("service request") => "Service Request".to_owned(),
        Some("incident") | None => "Incident".to_owned(),
        Some(_) => named.unwrap_or_default(),
    }
}

/// Who wrote last on a ticket, and when a technician did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct LastWords {
    by_requester: bool,
    technician_at: Option<DateTime<Utc>>,
}

impl LastWords {
    /// Reads a ticket's messages. The vendor does not promise an order.
    pub(super) fn of(messages: &[Value]) -> Self {
        let mut replies: Vec<(Option<DateTime<Utc>>, bool)> = messages
            .iter()
            .filter_map(|message| {
                let mut row = Row::of(message)?;
                let kind = row.text("type")?;
                (kind == REQUESTER || kind == TECHNICIAN).then(|| (row.time("time"), kind == REQUESTER))
            })
            .collect();
        replies.sort_by_key(|(at, _)| *at);
        let technician = replies.iter().rev().find(|(_, by_requester)| !by_requester);
        Self {
            by_requester: replies.last().is_some_and(|(_, by_requester)| *by_requester),
            technician_at: technician.and_then(|(at, _)| *at),
        }
    }

    /// Adds it to a ticket. A finished ticket stays finished.
    pub(super) fn apply(self, ticket: &mut PsaTicket) {
        ticket.agent_responded_at = self.technician_at.or(ticket.first_responded_at);
        if self.by_requester && is_open(ticket) {
            ticket.status = Some(CUSTOMER_REPLIED.to_owned());
            ticket.status_id = vendor_words::status_code(CUSTOMER_REPLIED);
        }
    }
}

/// Whether a ticket's status can be changed by who wrote last.
pub(super) fn is_open(ticket: &PsaTicket) -> bool {
    ticket.status.as_deref().is_none_or(|key| !status::is_closed(key))
}

/// What the requester wrote first.
pub(super) fn description(messages: &[Value]) -> Option<Description> {
    let mut row = messages
        .iter()
        .filter_map(Row::of)
        .find_map(|mut row| (row.text("type").as_deref() == Some(DESCRIPTION)).then_some(row))?;
    let content = row.text("content")?;
    Some(Description { html: html::sanitise(&content), text: html::to_text(&content) })
}

/// A message of a ticket; `None` for what is none: the description, and what the vendor sends by itself.
pub(super) fn conversation(row: &mut Row<'_>) -> Option<Conversation> {
    let content = row.text("content").unwrap_or_default();
    let created_at = row.time("time");
    let mut user = row.object("user");
    let to = row.get("toUsers").and_then(Value::as_array).into_iter().flatten();
    let to_emails = to.filter_map(|entry| Row::of(entry)?.object("user")?.text("email")).collect();
    Some(Conversation {
        id: row.int("conversationId")?,
        body: html::to_text(&content),
        body_html: html::sanitise(&content),
        from_email: user.as_mut().and_then(|user| user.text("email")),
        to_emails,
        created_at,
        updated_at: created_at,
        incoming: row.text("type").as_deref() == Some(REQUESTER),
        private: false,
        user_id: user.as_mut().and_then(|user| user.int("userId")),
        support_email: None,
    })
}

/// Whether a message is somebody's answer.
pub(super) fn is_answer(message: &Value) -> bool {
    let kind = message.get("type").and_then(Value::as_str).unwrap_or_default();
    kind != DESCRIPTION && !NOTIFICATIONS.contains(&kind)
}

/// A note of a technician. One that is not marked as public is taken for private.
pub(super) fn note(row: &mut Row<'_>) -> Option<Conversation> {
    let content = row.text("content").unwrap_or_default();
    let created_at = row.time("addedOn");
    let mut user = row.object("addedBy");
    Some(Conversation {
        id: row.int("noteId")?,
        body: html::to_text(&content),
        body_html: html::sanitise(&content),
        from_email: user.as_mut().and_then(|user| user.text("email")),
        to_emails: Vec::new(),
        created_at,
        updated_at: created_at,
        incoming: false,
        private: row.text("privacyType").as_deref() != Some("PUBLIC"),
        user_id: user.as_mut().and_then(|user| user.int("userId")),
        support_email: None,
    })
}

/// The time spent on a ticket as its one booking: the vendor tells the sum, not the parts. An unreadable time is an
/// error, or it would look like a ticket nobody worked on.
pub(super) fn hours(row: &mut Row<'_>, unit: WorklogUnit) -> Result<Option<PsaTimeEntry>, String> {
    let Some(text) = row.text("worklogTimespent") else { return Ok(None) };
    let spent: Decimal = text
        .parse()
        .ok()
        .filter(|spent: &Decimal| !spent.is_sign_negative() && *spent < Decimal::from(10_000_000))
        .ok_or_else(|| {
            format!("worklogTimespent '{}' is no time", text.chars().take(40).collect::<String>())
        })?;
    if spent.is_zero() {
        return Ok(None);
    }
    let hours = match unit {
        WorklogUnit::Minutes => (spent / Decimal::from(60)).round_dp(4),
        WorklogUnit::Hours => spent.round_dp(4),
    };
    let external_id = row.int("ticketId").ok_or("a ticket without an id")?;
    Ok(Some(PsaTimeEntry {
        external_id,
        agent_id: row.object("technician").and_then(|mut person| person.int("userId")),
        hours,
        billable: None,
        executed_at: row.time("updatedTime"),
        created_at: row.time("createdTime"),
        updated_at: row.time("updatedTime"),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> (PsaTicket, Vec<String>) {
        let mut row = Row::of(value).unwrap();
        let ticket = ticket(&mut row, &StatusNames::new([])).unwrap();
        (ticket, row.into_notes())
    }

    #[test]
    fn a_list_row_becomes_a_ticket() {
        let (ticket, notes) =
            read(&json!({"ticketId": "7206852887969157121", "displayId": "4711", "subject": "Help",
            "requestType": "Service Request", "status": "Waiting on customer", "priority": "Critical",
            "client": {"accountId": "7206852887969157120", "name": "Acme"},
            "requester": {"userId": "7206852887969157125", "name": "Jo", "email": "jo@acme.example"},
            "technician": null, "techGroup": {"groupId": "5"}, "createdTime": "2025-11-22T09:00:00",
            "updatedTime": "2025-11-22T10:00:00", "firstResponseDueTime": "2025-11-22T12:00:00"}));
        assert_eq!(ticket.external_id, 7_206_852_887_969_157_121);
        assert_eq!((ticket.status.as_deref(), ticket.status_id), (Some("waiting_customer"), Some(9)));
        assert_eq!((ticket.priority.as_deref(), ticket.priority_id), (Some("urgent"), Some(4)));
        assert_eq!(ticket.ticket_type, "Service Request");
        assert_eq!(
            ticket.created_at,
            Some("2025-11-22T09:00:00Z".parse().unwrap()),
            "a time without zone is UTC"
        );
        assert_eq!((ticket.group_id, ticket.department_id), (Some(5), Some(7_206_852_887_969_157_120)));
        assert_eq!(notes, Vec::<String>::new());
        let (odd, notes) =
            read(&json!({"ticketId": "1", "status": "Deleted", "priority": "Someday", "requester": 7}));
        assert_eq!((odd.status.as_deref(), odd.status_id, odd.priority_id), (Some("unknown"), None, None));
        assert!(!odd.deleted && !odd.spam && odd.requester_id.is_none());
        assert_eq!(notes, ["status 'Deleted' is in no status map", "priority 'Someday' is unknown"]);
    }

    #[test]
    fn who_wrote_last_decides_about_open_tickets() {
        let message =
            |kind: &str, minute: u32| json!({"type": kind, "time": format!("2025-11-22T09:{minute:02}:00")});
        let (q, t) = ("REQ_REPLY", "TECH_REPLY");
        for (case, status, messages, expected, technician) in [
            ("requester last", "Open", vec![message(t, 1), message(q, 2)], "customer_replied", Some(1)),
            ("technician last", "Open", vec![message(q, 1), message(t, 2)], "open", Some(2)),
            ("in any order", "Open", vec![message(q, 2), message(t, 1)], "customer_replied", Some(1)),
            (
                "automatic mail is no answer",
                "On Hold",
                vec![message(q, 1), message("TECH_NOTIFICATION", 2)],
                "customer_replied",
                None,
            ),
            ("the description is no reply", "Open", vec![message("DESCRIPTION", 1)], "open", None),
            ("finished", "Closed", vec![message(q, 1)], "closed", None),
            ("nothing", "Open", vec![], "open", None),
        ] {
            let (mut ticket, _) = read(&json!({"ticketId": "1", "status": status}));
            LastWords::of(&messages).apply(&mut ticket);
            assert_eq!(ticket.status.as_deref(), Some(expected), "{case}");
            let at = technician.map(|minute| format!("2025-11-22T09:{minute:02}:00Z").parse().unwrap());
            assert_eq!(ticket.agent_responded_at, at, "{case}");
        }
    }

    #[test]
    fn time_spent_becomes_decimal_hours() {
        for (spent, unit, expected) in [
            (json!("100.00"), WorklogUnit::Minutes, Ok(Some("1.6667"))),
            (json!(90), WorklogUnit::Minutes, Ok(Some("1.5"))),
            (json!("2.25"), WorklogUnit::Hours, Ok(Some("2.25"))),
            (json!("0.00"), WorklogUnit::Minutes, Ok(None)),
            (json!(null), WorklogUnit::Minutes, Ok(None)),
            (json!("-5"), WorklogUnit::Minutes, Err(())),
            (json!("an hour"), WorklogUnit::Minutes, Err(())),
        ] {
            let value = json!({"ticketId": "1", "worklogTimespent": spent});
            let actual = hours(&mut Row::of(&value).unwrap(), unit).map_err(|_| ());
            let expected: Result<Option<Decimal>, ()> =
                expected.map(|hours| hours.map(|text| text.parse().unwrap()));
            assert_eq!(actual.map(|entry| entry.map(|entry| entry.hours)), expected, "{spent}");
        }
    }
}
