//! The remark at the right edge of a section: the one fact about its tickets that calls for action.
//!
//! The page's script says the same after each refresh (`static/js/hints.js`).

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::contracts::codex::{SlaColor, Ticket};

use super::order::{Section, due};

/// The remark of a section; none when it is empty or nothing is known.
pub fn hint(section: Section, tickets: &[Cow<'_, Ticket>], now: DateTime<Utc>) -> Option<String> {
    let oldest = |time: fn(&Ticket) -> Option<DateTime<Utc>>| tickets.iter().filter_map(|t| time(t)).min();
    match section {
        Section::Open => {
            let unassigned = tickets.iter().filter(|ticket| ticket.responder_id.is_none()).count();
            let age = oldest(|t| t.created_at).map(|since| format!("oldest {}", age(now - since)));
            let unassigned = (unassigned > 0).then(|| format!("{unassigned} unassigned"));
            join([unassigned, age])
        }
        Section::Replied => {
            oldest(|t| t.updated_at).map(|since| format!("longest wait {}", age(now - since)))
        }
        Section::NeedsAgent => {
            let red = || tickets.iter().filter(|ticket| ticket.sla_color == SlaColor::Red);
            let breach = red().filter_map(|t| due(t)).filter(|due| *due < now).min();
            let silence = red().filter_map(|ticket| ticket.updated_at).min();
            breach
                .map(|since| format!("oldest breach {}", age(now - since)))
                .or_else(|| silence.map(|since| format!("longest without update {}", age(now - since))))
        }
        Section::Other => most_frequent_states(tickets),
    }
}

fn join(parts: [Option<String>; 2]) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// `12 on hold · 4 pending`: the two most frequent states, ties by name.
fn most_frequent_states(tickets: &[Cow<'_, Ticket>]) -> Option<String> {
    let mut counts: Vec<(usize, &str)> = Vec::new();
    for ticket in tickets.iter().filter(|ticket| !ticket.status_text.is_empty()) {
        match counts.iter_mut().find(|(_, state)| *state == ticket.status_text) {
            Some((count, _)) => *count += 1,
            None => counts.push((1, &ticket.status_text)),
        }
    }
    counts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let mut texts = counts.into_iter().map(|(count, state)| format!("{count} {}", state.to_lowercase()));
    join([texts.next(), texts.next()])
}

/// `3 d`, `5 d 2 h`, `2 h 10 m`, `35 m`, `< 1 m`.
pub fn age(elapsed: TimeDelta) -> String {
    let minutes = elapsed.num_minutes();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (days, 0, _) if days > 0 => format!("{days} d"),
        (days, hours, _) if days > 0 => format!("{days} d {hours} h"),
        (_, hours, 0) if hours > 0 => format!("{hours} h"),
        (_, hours, minutes) if hours > 0 => format!("{hours} h {minutes} m"),
        (_, _, minutes) if minutes > 0 => format!("{minutes} m"),
        _ => "< 1 m".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_age_has_at_most_two_units() {
        for (minutes, text) in [
            (-5, "< 1 m"),
            (0, "< 1 m"),
            (35, "35 m"),
            (60, "1 h"),
            (130, "2 h 10 m"),
            (1440, "1 d"),
            (1559, "1 d 1 h"),
            (7200, "5 d"),
        ] {
            assert_eq!(age(TimeDelta::minutes(minutes)), text, "{minutes}");
        }
    }

    #[test]
    fn each_section_says_what_calls_for_action() {
        let now = "2025-11-22T10:30:00Z".parse().unwrap();
        for (section, tickets, expected) in [
            (Section::Open, json!([]), None),
            (
                Section::Open,
                json!([{"id": 1, "created_at": "2025-11-22T08:20:00Z"}, {"id": 2, "responder_id": 5}]),
                Some("1 unassigned · oldest 2 h 10 m"),
            ),
            (
                Section::Replied,
                json!([{"id": 1, "updated_at": "2025-11-22T07:30:00Z"}]),
                Some("longest wait 3 h"),
            ),
            (
                Section::NeedsAgent,
                json!([
                    {"id": 1, "sla_color": "red", "fr_due_by_str": "2025-11-22T08:20:00Z"},
                    {"id": 2, "sla_color": "orange", "fr_due_by_str": "2025-11-22T01:20:00Z"}
                ]),
                Some("oldest breach 2 h 10 m"),
            ),
            (
                Section::NeedsAgent,
                json!([{"id": 1, "sla_color": "red", "updated_at": "2025-11-18T10:30:00Z"}]),
                Some("longest without update 4 d"),
            ),
            (Section::NeedsAgent, json!([{"id": 1, "sla_color": "orange"}]), None),
            (
                Section::Other,
                json!([
                    {"id": 1, "status_text": "Pending"}, {"id": 2, "status_text": "On Hold"},
                    {"id": 3, "status_text": "On Hold"}, {"id": 4, "status_text": "Scheduled"}
                ]),
                Some("2 on hold · 1 pending"),
            ),
        ] {
            let list: Vec<Ticket> =
                serde_json::from_value::<Value>(tickets.clone()).and_then(serde_json::from_value).unwrap();
            let list: Vec<_> = list.into_iter().map(Cow::Owned).collect();
            assert_eq!(hint(section, &list, now).as_deref(), expected, "{section:?} {tickets}");
        }
    }
}
