//! One ticket as a row of a screen.

use hivematrix_shared::contracts::codex::Ticket;

use crate::{domain::order::Section, routes::pages::Row};

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
    /// What the clock says, or the status.
    pub state_text: String,
    /// Colour of the clock.
    pub sla_color: &'static str,
    /// Codex's class of the clock.
    pub sla_class: String,
    /// No clock runs: plain text without a shape.
    pub is_at_rest: bool,
}

impl WallRow {
    /// The row of `ticket` in `section`.
    pub fn new(ticket: &Ticket, section: Section, subjects: bool) -> Self {
        let row = Row::new(ticket, section, None);
        Self {
            id: row.id,
            number: row.number,
            classes: row.classes,
            subject: subjects.then_some(row.subject_cut),
            agent: row.agent,
            priority_text: row.priority_text,
            priority_class: row.priority_class,
            state_text: row.state_text,
            sla_color: row.sla_color,
            sla_class: row.sla_class,
            is_at_rest: row.is_at_rest,
        }
    }
}
