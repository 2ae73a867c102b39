//! One ticket as a row of a screen.

use hivematrix_shared::contracts::codex::{SlaColor, Ticket};

use crate::{
    domain::order::Section,
    routes::pages::{Row, classes, is_at_rest},
};

/// What `wall.html` shows of a ticket: nothing about customers, no link, and the subject only where it may hang in a room.
#[derive(Debug)]
pub struct WallRow {
    /// Codex's id.
    pub id: String,
    /// The PSA's id.
    pub number: String,
    /// Classes of the row.
    pub classes: &'static str,
    /// The subject as far as a row shows it; none where the link does not allow it.
    pub subject: Option<String>,
    /// Name of the agent.
    pub agent: String,
    /// `Urgent` …
    pub priority_text: String,
    /// `urgent` …, part of class names.
    pub priority_class: &'static str,
    /// What the clock says.
    pub state_text: String,
    /// Colour of the clock.
    pub sla_color: &'static str,
    /// Codex's class of the clock.
    pub sla_class: String,
    /// No clock runs: plain text without a shape.
    pub is_at_rest: bool,
}

impl WallRow {
    /// The row of `ticket` in `section`. Unlike the board, a screen tells the clock in every section.
    pub fn new(ticket: &Ticket, section: Section, subjects: bool) -> Self {
        let row = Row::new(ticket, section, None);
        Self {
            id: row.id,
            number: row.number,
            classes: classes(section, ticket.sla_color == SlaColor::Red),
            subject: subjects.then_some(row.subject_cut),
            agent: row.agent_text,
            priority_text: row.priority_text,
            priority_class: row.priority_class,
            state_text: ticket.sla_text.clone(),
            sla_color: row.sla_color,
            sla_class: row.sla_class,
            is_at_rest: is_at_rest(ticket),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::order::by_urgency;

    fn section(name: &Value) -> Section {
        Section::ALL.into_iter().find(|section| *name == section.prefix()).unwrap()
    }

    /// The cases that the screen's script is held to as well (crates/e2e/tests/suite/rules.js).
    #[test]
    fn rows_and_their_order_are_as_the_table_has_them_for_server_and_script() {
        let table: Value = serde_json::from_str(include_str!("../../../tests/cases/rows.json")).unwrap();
        for case in table["rows"].as_array().unwrap() {
            let ticket: Ticket = serde_json::from_value(case["ticket"].clone()).unwrap();
            let found = WallRow::new(&ticket, section(&case["section"]), false);
            let found =
                json!({"classes": found.classes, "state": found.state_text, "rests": found.is_at_rest});
            assert_eq!(found, case["wall"], "{}", case["what"]);
        }
        let lists = ["s1", "s2", "s3", "s4"].map(|section| {
            let list: Vec<Ticket> =
                serde_json::from_value(table["urgency"]["lists"][section].clone()).unwrap();
            list.into_iter().map(Cow::Owned).collect::<Vec<_>>()
        });
        let found: Vec<_> = by_urgency(&lists).into_iter().map(|(_, ticket)| ticket.id).collect();
        assert_eq!(json!(found), table["urgency"]["order"]);
    }
}
