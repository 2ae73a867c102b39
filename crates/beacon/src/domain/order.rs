//! The default order of each section (beacon.md §11.2). Missing values come last, ties go by ticket id.

use std::{borrow::Cow, cmp::Ordering};

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::Ticket;

/// One of the four sections of the board.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Section {
    /// Open, awaiting the first answer.
    Open,
    /// The customer answered.
    Replied,
    /// Needs an agent, or an update is overdue.
    NeedsAgent,
    /// Every other active ticket.
    Other,
}

impl Section {
    /// All sections in page order.
    pub const ALL: [Self; 4] = [Self::Open, Self::Replied, Self::NeedsAgent, Self::Other];

    /// What the ids of its parts of a page begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Open => "s1",
            Self::Replied => "s2",
            Self::NeedsAgent => "s3",
            Self::Other => "s4",
        }
    }

    /// Its name on the page of the view `view`.
    pub fn name(self, view: &str) -> String {
        match self {
            Self::Open => format!("Open {view} Tickets"),
            Self::Replied => "Customer Replied".to_owned(),
            Self::NeedsAgent => "Needs Agent / Update Overdue".to_owned(),
            Self::Other => format!("Other Active {view} Tickets"),
        }
    }

    /// The section's default order.
    pub fn order(self, a: &Ticket, b: &Ticket) -> Ordering {
        let by_section = match self {
            Self::Open => missing_last(a.created_at, b.created_at),
            Self::Replied | Self::Other => missing_last(a.updated_at, b.updated_at),
            Self::NeedsAgent => b
                .priority_raw
                .cmp(&a.priority_raw)
                .then(a.sla_color.cmp(&b.sla_color))
                .then(missing_last(due(a), due(b))),
        };
        by_section.then(a.id.cmp(&b.id))
    }
}

/// All tickets of a board, the most urgent first, as a screen shows them that has one list: what needs an agent, then by
/// the colour of the clock, its time, priority and id. `static/js/urgency.js` says the same.
pub fn by_urgency<'b>(sections: &'b [Vec<Cow<'_, Ticket>>; 4]) -> Vec<(Section, &'b Ticket)> {
    let mut all: Vec<(Section, &Ticket)> = Section::ALL
        .into_iter()
        .zip(sections)
        .flat_map(|(section, tickets)| tickets.iter().map(move |ticket| (section, &**ticket)))
        .collect();
    all.sort_by(|(section_a, a), (section_b, b)| {
        let others = |section: &Section| *section != Section::NeedsAgent;
        others(section_a)
            .cmp(&others(section_b))
            .then(a.sla_color.cmp(&b.sla_color))
            .then(missing_last(due(a), due(b)))
            .then(b.priority_raw.unwrap_or_default().cmp(&a.priority_raw.unwrap_or_default()))
            .then(a.id.cmp(&b.id))
    });
    all
}

/// What the ticket's clock runs towards while nobody has answered: the due date of a service request, else the date of
/// the first response.
pub fn due(ticket: &Ticket) -> Option<DateTime<Utc>> {
    if ticket.first_responded_at.is_some() {
        return None;
    }
    if is_service_request(ticket) { ticket.due_by } else { ticket.fr_due_by }
}

/// Whether the ticket is of the type `Service Request`.
pub fn is_service_request(ticket: &Ticket) -> bool {
    ticket.kind.as_deref() == Some("Service Request")
}

fn missing_last(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Ordering {
    // `false` sorts first, so that a known time precedes a missing one.
    (a.is_none(), a).cmp(&(b.is_none(), b))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sorted(section: Section, tickets: Value) -> Vec<i64> {
        let mut tickets: Vec<Ticket> = serde_json::from_value(tickets).unwrap();
        tickets.sort_by(|a, b| section.order(a, b));
        tickets.into_iter().map(|ticket| ticket.id).collect()
    }

    #[test]
    fn each_section_has_its_own_order() {
        let by_time = json!([
            {"id": 1, "created_at": "2025-11-22T09:00:00Z", "updated_at": "2025-11-20T09:00:00Z"},
            {"id": 2},
            {"id": 3, "created_at": "2025-11-21T09:00:00Z", "updated_at": "2025-11-22T09:00:00Z"},
            {"id": 5, "created_at": "2025-11-22T08:00:00Z", "updated_at": "2025-11-21T09:00:00Z"},
            {"id": 4, "created_at": "2025-11-22T08:00:00Z", "updated_at": "2025-11-21T09:00:00Z"}
        ]);
        let by_urgency = json!([
            {"id": 1, "priority": 3, "sla_color": "red"},
            {"id": 2, "priority": null, "sla_color": "red"},
            {"id": 3, "priority": 4, "sla_color": "orange", "fr_due_by_str": "2025-11-22T12:00:00Z"},
            {"id": 4, "priority": 4, "sla_color": "orange", "fr_due_by_str": "2025-11-22T11:00:00Z"},
            {"id": 5, "priority": "urgent", "priority_raw": 4, "sla_color": "orange"},
            {"id": 6, "priority": 4, "sla_color": "red"},
            {"id": 7, "priority": 4, "sla_color": "orange", "type": "Service Request",
             "fr_due_by_str": "2025-11-22T01:00:00Z", "due_by_str": "2025-11-22T11:30:00Z"}
        ]);
        for (section, tickets, expected) in [
            (Section::Open, &by_time, vec![3, 4, 5, 1, 2]),
            (Section::Replied, &by_time, vec![1, 4, 5, 3, 2]),
            (Section::NeedsAgent, &by_urgency, vec![6, 4, 7, 3, 5, 1, 2]),
            (Section::Other, &by_time, vec![1, 4, 5, 3, 2]),
        ] {
            assert_eq!(sorted(section, tickets.clone()), expected, "{section:?}");
        }
    }

    #[test]
    fn the_clock_stops_with_the_first_answer() {
        let ticket: Ticket = serde_json::from_value(json!({
            "id": 1, "fr_due_by_str": "2025-11-22T11:00:00Z", "first_responded_at_iso": "2025-11-22T10:00:00Z"
        }))
        .unwrap();
        assert_eq!(due(&ticket), None);
    }
}
