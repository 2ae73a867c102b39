//! One ticket as a table row.

use chrono::{DateTime, Utc};
use hivematrix_shared::{
    contracts::codex::{SlaColor, Ticket},
    pages::format::iso_z,
};

use super::state::{Due, class_name, clock_value, due_line, is_at_rest};
use crate::domain::{links::TicketLinks, order::Section};

/// Longest subject in the table, in characters; more is cut and marked with `...` (beacon.md §2).
const SUBJECT_LIMIT: usize = 60;
const NOBODY: &str = "N/A";
const UNASSIGNED: &str = "Unassigned";

/// What `ticket_row.html` shows.
#[derive(Debug, Default)]
pub struct Row {
    /// Codex's id.
    pub id: String,
    /// The PSA's id.
    pub number: String,
    /// Link into the PSA.
    pub link: Option<String>,
    /// `s1` … `s4`.
    pub prefix: &'static str,
    /// Classes of the row.
    pub classes: &'static str,
    /// The whole subject.
    pub subject: String,
    /// The subject as far as the table shows it.
    pub subject_cut: String,
    /// Name of the requester as Codex gives it.
    pub requester: String,
    /// The same for people: `N/A` for nobody.
    pub requester_text: String,
    /// Name of the agent as Codex gives it.
    pub agent: String,
    /// The same for people: `Unassigned` for nobody.
    pub agent_text: String,
    /// The agent's initials; empty for nobody.
    pub initials: String,
    /// 1 low to 4 urgent; empty when unknown.
    pub priority_value: String,
    /// `Urgent` …
    pub priority_text: String,
    /// `urgent` …, part of class names.
    pub priority_class: &'static str,
    /// Sort key of the sixth column.
    pub state_key: &'static str,
    /// Sort value of the sixth column.
    pub state_value: String,
    /// Text of the sixth column.
    pub state_text: String,
    /// Its tooltip.
    pub state_title: String,
    /// Colour of the clock.
    pub sla_color: &'static str,
    /// Codex's class of the clock.
    pub sla_class: String,
    /// No clock runs: plain text without a shape.
    pub is_at_rest: bool,
    /// The line under the clock.
    pub due: Option<Due>,
    /// When it last changed.
    pub updated: Moment,
    /// When it was opened.
    pub created: Moment,
    /// On medium screens Updated stays and Created goes, or the other way round.
    pub keeps_updated: bool,
}

/// A time cell.
#[derive(Debug, Default)]
pub struct Moment {
    /// Milliseconds since 1970; empty when unknown.
    pub value: String,
    /// ISO form; empty when unknown.
    pub iso: String,
    /// Display form as Codex gives it; the script makes it local.
    pub text: String,
    /// Relative form as tooltip.
    pub title: String,
}

impl Moment {
    fn new(time: Option<DateTime<Utc>>, text: &str, title: &str) -> Self {
        Self {
            value: time.map(|time| time.timestamp_millis().to_string()).unwrap_or_default(),
            iso: time.map(iso_z).unwrap_or_default(),
            text: text.to_owned(),
            title: title.to_owned(),
        }
    }
}

impl Row {
    /// The row of `ticket` in `section`.
    pub fn new(ticket: &Ticket, section: Section, links: Option<&TicketLinks>) -> Self {
        let is_other = section == Section::Other;
        let is_overdue = !is_other && ticket.sla_color == SlaColor::Red;
        Self {
            id: ticket.id.to_string(),
            number: ticket.external_id.to_string(),
            link: links.map(|links| links.of(ticket.external_id)),
            prefix: section.prefix(),
            classes: classes(section, is_overdue),
            subject: ticket.subject.clone(),
            subject_cut: subject_cut(&ticket.subject),
            requester: ticket.requester_name.clone(),
            requester_text: or(&ticket.requester_name, NOBODY),
            agent: ticket.agent_name.clone(),
            agent_text: or(&ticket.agent_name, UNASSIGNED),
            initials: if ticket.responder_id.is_some() && ticket.agent_name != UNASSIGNED {
                initials(&ticket.agent_name)
            } else {
                String::new()
            },
            priority_value: ticket.priority_raw.map(|value| value.to_string()).unwrap_or_default(),
            priority_text: ticket.priority_text.clone(),
            priority_class: priority_class(ticket.priority_raw),
            state_key: state_key(section),
            state_value: if is_other { ticket.status_text.clone() } else { clock_value(ticket).to_string() },
            state_text: if is_other { &ticket.status_text } else { &ticket.sla_text }.clone(),
            state_title: ticket.sla_text.clone(),
            sla_color: ticket.sla_color.as_str(),
            sla_class: class_name(&ticket.sla_class),
            is_at_rest: is_other || is_at_rest(ticket),
            due: due_line(ticket),
            updated: Moment::new(ticket.updated_at, &ticket.updated_at_str, &ticket.updated_friendly),
            created: Moment::new(ticket.created_at, &ticket.created_at_str, &ticket.created_days_old),
            keeps_updated: keeps_updated(section),
        }
    }

    /// The pattern that the script fills for tickets of `section` that arrive later.
    pub fn blank(section: Section) -> Self {
        Self {
            prefix: section.prefix(),
            sla_color: SlaColor::Green.as_str(),
            priority_class: priority_class(None),
            state_key: state_key(section),
            keeps_updated: keeps_updated(section),
            ..Self::default()
        }
    }
}

/// Sort key of a section's sixth column.
pub const fn state_key(section: Section) -> &'static str {
    if matches!(section, Section::Other) { "status_text" } else { "sla_text" }
}

/// New tickets are judged by their age, all others by their silence: that column stays on medium screens.
pub const fn keeps_updated(section: Section) -> bool {
    !matches!(section, Section::Open)
}

/// Classes of a row: section 3 is red, and what is overdue has an edge.
pub const fn classes(section: Section, is_overdue: bool) -> &'static str {
    match (matches!(section, Section::NeedsAgent), is_overdue) {
        (true, true) => "row--attention is-overdue",
        (true, false) => "row--attention",
        (false, true) => "is-overdue",
        (false, false) => "",
    }
}

fn or(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise } else { text }.to_owned()
}

fn subject_cut(subject: &str) -> String {
    match subject.char_indices().nth(SUBJECT_LIMIT) {
        Some((end, _)) => format!("{}...", &subject[..end]),
        None if subject.trim().is_empty() => "(no subject)".to_owned(),
        None => subject.to_owned(),
    }
}

/// First letters of the first and the last word: `Ben Ortiz` is `BO`.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

const fn priority_class(priority: Option<i64>) -> &'static str {
    match priority {
        Some(4) => "urgent",
        Some(3) => "high",
        Some(2) => "medium",
        _ => "low",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row(section: Section, ticket: Value) -> Row {
        Row::new(&serde_json::from_value(ticket).unwrap(), section, None)
    }

    #[test]
    fn subjects_are_cut_at_sixty_characters() {
        for (subject, shown) in [
            ("short".to_owned(), "short".to_owned()),
            ("ü".repeat(60), "ü".repeat(60)),
            ("ü".repeat(61), format!("{}...", "ü".repeat(60))),
            ("  ".to_owned(), "(no subject)".to_owned()),
        ] {
            assert_eq!(subject_cut(&subject), shown);
        }
    }

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        for (name, letters) in [
            ("Ben Ortiz", "BO"),
            ("cleo van der marsh", "CM"),
            ("Madonna", "M"),
            ("(Ext) Émile", "EÉ"),
            ("", ""),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }

    #[test]
    fn rows_of_section_three_are_marked_and_what_is_overdue_has_the_edge() {
        for (section, color, classes) in [
            (Section::NeedsAgent, "red", "row--attention is-overdue"),
            (Section::NeedsAgent, "orange", "row--attention"),
            (Section::Open, "red", "is-overdue"),
            (Section::Other, "red", ""),
        ] {
            assert_eq!(row(section, json!({"id": 1, "sla_color": color})).classes, classes);
        }
    }

    /// The cases that the page's script is held to as well (crates/e2e/tests/suite/rules.js).
    #[test]
    fn rows_are_as_the_table_has_them_for_server_and_script() {
        let table: Value = serde_json::from_str(include_str!("../../../tests/cases/rows.json")).unwrap();
        for case in table["rows"].as_array().unwrap() {
            let prefix_wanted = case["section"].as_str().unwrap();
            let section = Section::ALL.into_iter().find(|section| section.prefix() == prefix_wanted).unwrap();
            let found = row(section, case["ticket"].clone());
            let found = json!({
                "classes": found.classes, "requester": found.requester_text, "agent": found.agent_text,
                "initials": found.initials, "state": found.state_text, "color": found.sla_color,
                "class": found.sla_class, "rests": found.is_at_rest
            });
            assert_eq!(found, case["board"], "{}", case["what"]);
        }
    }
}
