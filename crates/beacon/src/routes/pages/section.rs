//! One section of the board as the page shows it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::Ticket;

use super::row::{Row, keeps_updated, state_key};
use crate::domain::{hints, links::TicketLinks, order::Section, views::View};

const EMPTY: &str = "No tickets currently in this category.";

/// What `board.html` shows of a section.
pub struct SectionView {
    /// `s1` … `s4`.
    pub prefix: &'static str,
    /// Its heading.
    pub name: String,
    /// The remark at its right edge.
    pub hint: String,
    /// What stands there while it has no ticket.
    pub empty_text: String,
    /// It needs somebody now.
    pub is_attention: bool,
    /// Which of its two dates stays on medium screens.
    pub keeps_updated: bool,
    /// The heads of its columns.
    pub heads: [Head; 8],
    /// Its tickets.
    pub rows: Vec<Row>,
    /// The pattern of a row.
    pub blank: Row,
}

/// The head of a column.
pub struct Head {
    /// Its sort key.
    pub key: &'static str,
    /// What it says.
    pub label: &'static str,
    /// Classes, each with a space before it.
    pub classes: &'static str,
}

impl SectionView {
    /// The section with these tickets.
    pub fn new(
        section: Section,
        tickets: &[Cow<'_, Ticket>],
        view: &View,
        links: Option<&TicketLinks>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            prefix: section.prefix(),
            name: section.name(&view.name),
            hint: hints::hint(section, tickets, now).unwrap_or_default(),
            empty_text: empty_text(section, &view.name),
            is_attention: section == Section::NeedsAgent && !tickets.is_empty(),
            keeps_updated: keeps_updated(section),
            heads: heads(section),
            rows: tickets.iter().map(|ticket| Row::new(ticket, section, links)).collect(),
            blank: Row::blank(section),
        }
    }
}

fn empty_text(section: Section, view: &str) -> String {
    let hint = match section {
        Section::Open => String::new(),
        Section::Replied => " No tickets currently have a customer reply.".to_owned(),
        Section::NeedsAgent => " No tickets currently need an agent or have an overdue update.".to_owned(),
        Section::Other => format!(" No other active {view} tickets found."),
    };
    format!("{EMPTY}{hint}")
}

fn heads(section: Section) -> [Head; 8] {
    let head = |key, label, classes| Head { key, label, classes };
    let (updated, created) = if keeps_updated(section) {
        (" hide-sm", " hide-md hide-sm")
    } else {
        (" hide-md hide-sm", " hide-sm")
    };
    let state = match section {
        Section::Open => "Action / SLA",
        Section::Replied | Section::NeedsAgent => "Action / Status",
        Section::Other => "Status",
    };
    [
        head("id", "ID", ""),
        head("subject", "Subject", ""),
        head("requester_name", "Requester", " hide-lg hide-sm"),
        head("agent_name", "Agent", ""),
        head("priority_raw", "Priority", ""),
        head(state_key(section), state, ""),
        head("updated_at_str", "Updated", updated),
        head("created_at_str", "Created", created),
    ]
}
