//! What the state of a ticket looks like in its row. The script says the same (`static/js/state.js`).

use hivematrix_shared::{
    contracts::codex::{SlaColor, Ticket},
    pages::format::{iso_z, short_datetime},
};

use crate::domain::order::{due, is_service_request};

/// Distance between two colours in the sort value of the clock; larger than any time in milliseconds.
const COLOR_STEP: i64 = 10_000_000_000_000;

/// The line `FR Due: …` or `Due: …` under the clock.
#[derive(Debug)]
pub struct Due {
    /// `FR Due: ` or `Due: `.
    pub prefix: &'static str,
    /// The time.
    pub iso: String,
    /// Its short form, UTC; the script makes it local.
    pub text: String,
}

/// Colour rank, then due time; without a due time last within the colour.
pub fn clock_value(ticket: &Ticket) -> i64 {
    let rank = match ticket.sla_color {
        SlaColor::Red => 0,
        SlaColor::Orange => 1,
        SlaColor::Yellow => 2,
        SlaColor::Green => 3,
    };
    let time = due(ticket).map_or(COLOR_STEP - 1, |due| due.timestamp_millis().clamp(0, COLOR_STEP - 1));
    rank * COLOR_STEP + time
}

/// No clock runs: the state is said in plain words.
pub fn is_at_rest(ticket: &Ticket) -> bool {
    let class = class_name(&ticket.sla_class);
    ticket.sla_color == SlaColor::Green
        && matches!(class.as_str(), "sla-none" | "sla-responded" | "sla-in-progress")
}

/// The line under the clock, while an unanswered ticket runs late.
pub fn due_line(ticket: &Ticket) -> Option<Due> {
    let class = class_name(&ticket.sla_class);
    let is_calm = matches!(class.as_str(), "sla-normal" | "sla-responded" | "sla-none");
    let due = due(ticket).filter(|_| !is_calm)?;
    let prefix = if is_service_request(ticket) { "Due: " } else { "FR Due: " };
    Some(Due { prefix, iso: iso_z(due), text: short_datetime(due) })
}

/// Codex's class if it is one of the stylesheet's, so that nothing else gets into the attribute.
pub fn class_name(class: &str) -> String {
    let known = class
        .strip_prefix("sla-")
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
    if known { class.to_owned() } else { "sla-none".to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ticket(members: Value) -> Ticket {
        serde_json::from_value(members).unwrap()
    }

    #[test]
    fn the_due_line_is_there_while_an_unanswered_ticket_runs_late() {
        let fr = "2025-11-22T12:00:00Z";
        for (class, kind, answered, expected) in [
            ("sla-critical", "Incident", None, Some("FR Due: Nov 22, 12:00 PM")),
            ("sla-overdue", "Service Request", None, Some("Due: Nov 23, 08:00 AM")),
            ("sla-warning", "Incident", Some(fr), None),
            ("sla-normal", "Incident", None, None),
            ("sla-none", "Incident", None, None),
            ("sla-responded", "Incident", None, None),
        ] {
            let ticket = ticket(json!({
                "id": 1, "sla_class": class, "type": kind, "fr_due_by_str": fr,
                "due_by_str": "2025-11-23T08:00:00Z", "first_responded_at_iso": answered
            }));
            let line = due_line(&ticket).map(|due| format!("{}{}", due.prefix, due.text));
            assert_eq!(line.as_deref(), expected, "{class} {kind} {answered:?}");
        }
    }

    #[test]
    fn the_clock_sorts_by_colour_then_due_time() {
        let value = |members| clock_value(&ticket(members));
        let values = [
            json!({"id": 1, "sla_color": "red", "fr_due_by_str": "2025-11-22T12:00:00Z"}),
            json!({"id": 2, "sla_color": "red"}),
            json!({"id": 3, "sla_color": "orange", "fr_due_by_str": "2025-11-20T12:00:00Z"}),
            json!({"id": 4, "sla_color": "orange", "fr_due_by_str": "2025-11-21T12:00:00Z"}),
            json!({"id": 5, "sla_color": "green", "fr_due_by_str": "2024-11-21T12:00:00Z"}),
        ]
        .map(value);
        assert!(values.is_sorted(), "{values:?}");
    }

    #[test]
    fn only_the_stylesheets_classes_reach_the_page() {
        for (class, shown) in [
            ("sla-overdue", "sla-overdue"),
            ("sla-x\" onload=\"y", "sla-none"),
            ("active", "sla-none"),
            ("", "sla-none"),
        ] {
            assert_eq!(class_name(class), shown);
        }
    }
}
