//! What a reported event makes of the ticket that is stored (codex-api.md §9).

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    priority, status,
    webhook::{TicketEvent, Told, closes},
};

/// How far a time that only we have put on a ticket may be ahead of the vendor's.
const OUR_OWN: TimeDelta = TimeDelta::minutes(10);

/// The part of a stored ticket that events change.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Known {
    /// Account number of the company.
    pub company: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// Status key.
    pub status: Option<String>,
    /// The vendor's code.
    pub status_id: Option<i32>,
    /// Priority key.
    pub priority: Option<String>,
    /// The vendor's code.
    pub priority_id: Option<i32>,
    /// Vendor id of the requester.
    pub requester_id: Option<i64>,
    /// Address of the requester.
    pub requester_email: Option<String>,
    /// Name of the requester.
    pub requester_name: Option<String>,
    /// Vendor id of the agent.
    pub responder_id: Option<i64>,
    /// Vendor id of the group.
    pub group_id: Option<i64>,
    /// Vendor id of the company.
    pub department_id: Option<i64>,
    /// When it was written.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub last_updated_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When the last event was taken.
    pub webhook_updated_at: Option<DateTime<Utc>>,
}

impl Known {
    /// Whether something newer than the event is stored. A time that is ours, because its event came without one, is no
    /// good measure of the vendor's.
    pub fn is_newer_than(&self, event: &TicketEvent) -> bool {
        let (Some(stored), Some(told)) = (self.last_updated_at, event.updated_at) else { return false };
        let ours = self.webhook_updated_at == Some(stored);
        told < if ours { stored - OUR_OWN } else { stored }
    }

    /// A ticket nobody knew, as the event tells it.
    pub fn new(event: &TicketEvent, company: Option<String>, now: DateTime<Utc>) -> Self {
        let mut event = event.clone();
        event.subject.get_or_insert_with(|| format!("Ticket #{}", event.ticket_id));
        event.status.get_or_insert_with(|| ("open".to_owned(), Some(2)));
        let blank =
            Self { created_at: event.created_at.or(event.updated_at).or(Some(now)), ..Self::default() };
        blank.with(&event, company, now)
    }

    /// The ticket with what the event tells; `company` is that of the event's department, where it is known.
    #[must_use]
    pub fn with(&self, event: &TicketEvent, company: Option<String>, now: DateTime<Utc>) -> Self {
        let mut next = self.clone();
        let at = event.updated_at.unwrap_or(now);
        next.company = company.or(next.company);
        next.subject = event.subject.clone().or(next.subject);
        if let Some((key, code)) = &event.status {
            if closes(key) {
                next.closed_at = next.closed_at.filter(|_| self.status.as_ref() == Some(key)).or(Some(at));
            } else if !status::is_closed(key) {
                next.closed_at = None;
            }
            next.status = Some(key.clone());
            next.status_id = *code;
        }
        if let Some(code) = event.priority_id {
            next.priority = Some(priority::key(code).to_owned());
            next.priority_id = Some(code);
        }
        if event.requester_id.is_some() && event.requester_id != next.requester_id {
            // Name and address belong to somebody else.
            next.requester_id = event.requester_id;
            next.requester_email = None;
            next.requester_name = None;
        }
        next.requester_email = event.requester_email.clone().or(next.requester_email);
        next.requester_name = event.requester_name.clone().or(next.requester_name);
        next.responder_id = told(event.responder_id, next.responder_id);
        next.group_id = told(event.group_id, next.group_id);
        next.department_id = event.department_id.or(next.department_id);
        next.created_at = next.created_at.or(event.created_at);
        next.last_updated_at = next.last_updated_at.max(Some(at));
        next
    }

    /// The ticket after it is gone.
    #[must_use]
    pub fn ended(&self, event: &TicketEvent, now: DateTime<Utc>) -> Self {
        let mut next = self.clone();
        let end = event.end();
        if let Some((key, code)) = &event.status
            && key == end
        {
            next.status_id = *code;
        }
        if next.status.as_deref() != Some(end) {
            next.status = Some(end.to_owned());
            next.last_updated_at = next.last_updated_at.max(Some(event.updated_at.unwrap_or(now)));
        }
        next
    }

    /// Names of the columns in which `next` differs, but for the times of update.
    pub fn changes_to(&self, next: &Self) -> Vec<&'static str> {
        [
            ("subject", self.subject != next.subject),
            ("status", (&self.status, self.status_id) != (&next.status, next.status_id)),
            ("priority", (&self.priority, self.priority_id) != (&next.priority, next.priority_id)),
            ("requester_id", self.requester_id != next.requester_id),
            ("requester_email", self.requester_email != next.requester_email),
            ("requester_name", self.requester_name != next.requester_name),
            ("responder_id", self.responder_id != next.responder_id),
            ("group_id", self.group_id != next.group_id),
            ("department_id", self.department_id != next.department_id),
            ("company", self.company != next.company),
            ("closed_at", self.closed_at != next.closed_at),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

fn told<T>(told: Told<T>, stored: Option<T>) -> Option<T> {
    match told {
        Told::Nothing => stored,
        Told::Empty => None,
        Told::Value(value) => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{status::StatusMap, statuses::Statuses};

    fn at(time: &str) -> DateTime<Utc> {
        format!("2025-11-22T{time}:00Z").parse().unwrap()
    }

    fn event(payload: Value) -> TicketEvent {
        TicketEvent::read(&payload, &Statuses::Codes(StatusMap::freshservice([])), at("10:30")).unwrap()
    }

    fn stored() -> Known {
        Known {
            company: Some("100001".to_owned()),
            subject: Some("Printer".to_owned()),
            status: Some("open".to_owned()),
            status_id: Some(2),
            priority: Some("low".to_owned()),
            priority_id: Some(1),
            requester_id: Some(5),
            requester_email: Some("jo@x.example".to_owned()),
            requester_name: Some("Jo".to_owned()),
            responder_id: Some(7),
            group_id: Some(8),
            department_id: Some(9),
            created_at: Some(at("09:00")),
            last_updated_at: Some(at("10:00")),
            closed_at: None,
            webhook_updated_at: None,
        }
    }

    #[test]
    fn an_event_changes_what_it_tells_and_nothing_else() {
        for (payload, changes) in [
            (json!({}), vec![]),
            (json!({"status_id": 2, "priority_id": "1", "subject": "Printer"}), vec![]),
            (json!({"subject": "Scanner"}), vec!["subject"]),
            (json!({"status_id": 3}), vec!["status"]),
            (json!({"status_id": 5}), vec!["status", "closed_at"]),
            (json!({"status_id": 15}), vec!["status"]),
            (json!({"priority_id": 4}), vec!["priority"]),
            (json!({"responder_id": null, "group_id": null}), vec!["responder_id", "group_id"]),
            (json!({"responder_id": "", "group_id": "{{ticket.group.id}}"}), vec![]),
            (json!({"requester_id": null, "subject": null, "status_id": null}), vec![]),
            (json!({"requester_id": 6}), vec!["requester_id", "requester_email", "requester_name"]),
            (json!({"requester_name": "Joe"}), vec!["requester_name"]),
            (json!({"department_id": 99}), vec!["department_id"]),
        ] {
            let mut payload = payload;
            payload["ticket_id"] = json!(1);
            let next = stored().with(&event(payload.clone()), None, at("10:30"));
            assert_eq!(stored().changes_to(&next), changes, "{payload}");
            assert_eq!(next.last_updated_at, Some(at("10:30")));
            assert_eq!(next.company.as_deref(), Some("100001"), "an unknown department clears no company");
        }
    }

    #[test]
    fn the_time_of_closing_is_that_of_the_event_that_closed() {
        let closed = event(json!({"ticket_id": 1, "status_id": 5, "updated_at": "2025-11-22T10:10:00Z"}));
        let first = stored().with(&closed, None, at("10:30"));
        assert_eq!(first.closed_at, Some(at("10:10")));
        let again = event(json!({"ticket_id": 1, "status_id": 5, "updated_at": "2025-11-22T10:20:00Z"}));
        assert_eq!(first.with(&again, None, at("10:30")).closed_at, Some(at("10:10")));
        let billed = event(json!({"ticket_id": 1, "status_id": 15}));
        assert_eq!(first.with(&billed, None, at("10:30")).closed_at, Some(at("10:10")), "still over");
        let open = event(json!({"ticket_id": 1, "status_id": 2}));
        assert_eq!(first.with(&open, None, at("10:30")).closed_at, None);
    }

    #[test]
    fn events_come_in_any_order_and_the_newest_counts() {
        let ours = Known { webhook_updated_at: Some(at("10:00")), ..stored() };
        let theirs = Known { webhook_updated_at: Some(at("10:05")), ..stored() };
        for (known, time, newer) in [
            (stored(), Some("09:59"), true),
            (stored(), Some("10:00"), false),
            (stored(), Some("10:01"), false),
            (stored(), None, false),
            (Known::default(), Some("09:59"), false),
            (ours.clone(), Some("09:55"), false),
            (ours, Some("09:49"), true),
            (theirs, Some("09:59"), true),
        ] {
            let time = time.map(|time| format!("2025-11-22T{time}:00Z"));
            let event = event(json!({"ticket_id": 1, "updated_at": time}));
            assert_eq!(known.is_newer_than(&event), newer, "{time:?}");
        }
    }

    #[test]
    fn a_new_ticket_is_open_and_has_a_subject() {
        let known = Known::new(&event(json!({"ticket_id": 77})), None, at("10:30"));
        assert_eq!((known.status.as_deref(), known.status_id), (Some("open"), Some(2)));
        assert_eq!(known.subject.as_deref(), Some("Ticket #77"));
        assert_eq!((known.created_at, known.last_updated_at), (Some(at("10:30")), Some(at("10:30"))));
        assert_eq!(known.priority, None);
    }

    #[test]
    fn a_ticket_that_is_gone_keeps_everything_but_its_status() {
        for (payload, status, code) in [
            (json!({"event": "ticket.deleted"}), "deleted", Some(2)),
            (json!({"event": "ticket.deleted", "status_id": 3}), "deleted", Some(2)),
            (json!({"status_id": 6}), "spam", Some(6)),
        ] {
            let mut payload = payload;
            payload["ticket_id"] = json!(1);
            let ended = stored().ended(&event(payload.clone()), at("10:30"));
            assert_eq!((ended.status.as_deref(), ended.status_id), (Some(status), code), "{payload}");
            assert_eq!(stored().changes_to(&ended), ["status"]);
            assert_eq!(ended.ended(&event(payload), at("10:40")), ended, "twice is once");
        }
    }
}
