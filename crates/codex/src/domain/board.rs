//! The ticket board: which section a ticket belongs to, what its clock says, and the order of a section
//! (codex-api.md §5.2, §5.3).

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::{SlaColor, wire::status_text};

use super::{
    priority,
    sla::{Clock, SERVICE_REQUEST, Urgency},
    status, words,
};

/// What decides over a ticket's place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// Normalised status.
    pub status: Option<&'a str>,
    /// Normalised priority.
    pub priority: Option<&'a str>,
    /// `Incident`, `Service Request`, …
    pub ticket_type: Option<&'a str>,
    /// When the ticket was last changed.
    pub last_updated_at: Option<DateTime<Utc>>,
    /// When the first answer is due.
    pub fr_due_by: Option<DateTime<Utc>>,
    /// When the ticket is due.
    pub due_by: Option<DateTime<Utc>>,
    /// When the first answer was given.
    pub first_responded_at: Option<DateTime<Utc>>,
    /// When an agent last answered.
    pub agent_responded_at: Option<DateTime<Utc>>,
}

/// The four sections of the board.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Section {
    /// 1: open, no concern, awaiting the first answer.
    Open,
    /// 2: the customer answered.
    CustomerReplied,
    /// 3: breached, critical, overdue, urgent or asking for an update.
    NeedsAgent,
    /// 4: every other active ticket.
    Other,
}

impl Section {
    /// All sections in board order.
    pub const ALL: [Self; 4] = [Self::Open, Self::CustomerReplied, Self::NeedsAgent, Self::Other];
}

/// A ticket's place on the board.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placement {
    /// The section.
    pub section: Section,
    /// What the clock says.
    pub sla_text: String,
    /// Its colour.
    pub sla_color: SlaColor,
    /// Its class in the shared stylesheet.
    pub sla_class: &'static str,
    /// The moment that presses: the due time of a running clock, or when an overdue update became so.
    pub deadline: Option<DateTime<Utc>>,
}

impl Placement {
    /// Whether the clock has run out. An overdue update alone is none of its business.
    pub fn is_breached(&self) -> bool {
        let by_clock = match self.section {
            Section::CustomerReplied => SlaColor::Red == self.sla_color,
            _ => false,
        };
        by_clock || self.sla_class == Urgency::Breached.class()
    }
}

/// Places a ticket; none when it is over. `now` is floored to the minute by the caller.
pub fn place(facts: &Facts<'_>, now: DateTime<Utc>) -> Option<Placement> {
    let status = facts.status.unwrap_or(status::UNKNOWN);
    if status::is_closed(status) {
        return None;
    }
    let (word, target) = match facts.ticket_type {
        Some(SERVICE_REQUEST) => ("Due", facts.due_by),
        _ => ("FR", facts.fr_due_by),
    };
    let view =
        View { facts, status, word, clock: Clock::read(target, facts.first_responded_at, now), target, now };
    Some(match status {
        "customer_replied" => view.customer_replied(),
        // Its waiting is intended: neither clock nor threshold counts.
        "pending_hubspot" => view.at_rest(Section::Other),
        _ => view.by_urgency(),
    })
}

struct View<'a> {
    facts: &'a Facts<'a>,
    status: &'a str,
    word: &'static str,
    clock: Clock,
    target: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl View<'_> {
    fn customer_replied(&self) -> Placement {
        let by_clock = self.clock.urgency().map_or(SlaColor::Green, Urgency::color);
        Placement {
            section: Section::CustomerReplied,
            sla_text: format!("Customer Replied ({})", self.ago()),
            sla_color: by_clock.min(SlaColor::Yellow),
            sla_class: "sla-warning",
            deadline: self.running_target(),
        }
    }

    fn by_urgency(&self) -> Placement {
        let urgency = self.clock.urgency();
        let overdue_since = self.update_overdue_since();
        let pressing = overdue_since.is_some()
            || matches!(urgency, Some(Urgency::Breached | Urgency::Critical))
            || self.facts.priority == Some("urgent")
            || self.status == "update_needed";
        let section = match self.status {
            _ if pressing => Section::NeedsAgent,
            "open" => Section::Open,
            _ => Section::Other,
        };
        match (urgency, overdue_since, self.clock) {
            (Some(Urgency::Breached), _, Clock::Running(left)) => Placement {
                section,
                sla_text: format!("Overdue by {}", words::span(-left)),
                sla_color: SlaColor::Red,
                sla_class: Urgency::Breached.class(),
                deadline: self.target,
            },
            (_, Some(since), _) => Placement {
                section,
                sla_text: format!("Update Overdue ({}, {})", status_text(self.status), self.ago()),
                sla_color: SlaColor::Red,
                sla_class: "sla-critical",
                deadline: Some(since),
            },
            (Some(urgency), None, Clock::Running(left)) => Placement {
                section,
                sla_text: format!("Due in {}", words::span(left)),
                sla_color: urgency.color(),
                sla_class: urgency.class(),
                deadline: self.target,
            },
            _ => self.at_rest(section),
        }
    }

    /// Nothing presses: upstream's words for the status, green.
    fn at_rest(&self, section: Section) -> Placement {
        let (sla_text, sla_class) = match (self.status, self.clock) {
            ("open" | "update_needed", Clock::Answered) => {
                (format!("{} (FR Met)", status_text(self.status)), "sla-responded")
            }
            ("open" | "update_needed", _) => (format!("No {} Due Date", self.word), "sla-none"),
            ("waiting_customer", _) => {
                let agent = self.facts.agent_responded_at;
                let answered = agent.map(|at| format!(" (Agent: {})", words::ago(Some(at), self.now)));
                (format!("Waiting on Customer{}", answered.unwrap_or_default()), "sla-responded")
            }
            ("pending_hubspot" | "on_hold", _) => (self.status_and_age(), "sla-none"),
            _ => (self.status_and_age(), "sla-in-progress"),
        };
        Placement {
            section,
            sla_text,
            sla_color: SlaColor::Green,
            sla_class,
            deadline: self.running_target(),
        }
    }

    fn update_overdue_since(&self) -> Option<DateTime<Utc>> {
        let threshold = priority::update_threshold(self.facts.priority)?;
        let since = self.facts.last_updated_at?.checked_add_signed(threshold)?;
        (self.now > since).then_some(since)
    }

    fn running_target(&self) -> Option<DateTime<Utc>> {
        self.target.filter(|_| matches!(self.clock, Clock::Running(_)))
    }

    fn status_and_age(&self) -> String {
        format!("{} ({})", status_text(self.status), self.ago())
    }

    fn ago(&self) -> String {
        words::ago(self.facts.last_updated_at, self.now)
    }
}

/// Sort key of a ticket within its section; ascending, missing times last, equal ones by id.
///
/// Section 1: created, oldest first. Sections 2 and 4: updated, oldest first. Section 3: urgent first, then the most
/// critical clock.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Order(Reverse<i32>, SlaColor, bool, Option<DateTime<Utc>>, i64);

/// The sort key; `priority_id` is the PSA's code (missing counts as low).
pub fn order(
    placement: &Placement,
    priority_id: Option<i32>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    id: i64,
) -> Order {
    let by_time = |time: Option<DateTime<Utc>>| Order(Reverse(0), SlaColor::Red, time.is_none(), time, id);
    match placement.section {
        Section::Open => by_time(created_at),
        Section::CustomerReplied | Section::Other => by_time(updated_at),
        Section::NeedsAgent => {
            let pressing = placement.deadline.or(updated_at);
            Order(
                Reverse(i32::from(priority_id == Some(priority::URGENT_ID))),
                placement.sla_color,
                pressing.is_none(),
                pressing,
                id,
            )
        }
    }
}

#[cfg(test)]
mod tests;
