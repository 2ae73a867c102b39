//! Replies, notes and time entries of a ticket.

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::text::stories::{AGENT_REPLIES, CUSTOMER_REPLIES, NOTES, WORK_NOTES};
use super::ticket::{FIRST_TICKET_ID, Ticket};
use crate::dice::{Dice, Salt};

/// A reply or a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Vendor id.
    pub id: u64,
    /// Plain text.
    pub text: String,
    /// From the customer.
    pub incoming: bool,
    /// For technicians only.
    pub private: bool,
    /// Who wrote it: requester or agent.
    pub user_id: Option<u64>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkEntry {
    /// Vendor id.
    pub id: u64,
    /// Who.
    pub agent_id: Option<u64>,
    /// How long.
    pub minutes: u32,
    /// Goes on the bill.
    pub billable: bool,
    /// Day of the work; the vendor often leaves it empty.
    pub executed_at: Option<DateTime<Utc>>,
    /// When it was written down.
    pub at: DateTime<Utc>,
    /// What was done.
    pub note: String,
}

/// Ids are built from the ticket's, so made-up and later ones never collide: 1,000 places each.
fn entry_id(base: u64, ticket: u64, place: usize) -> u64 {
    base + (ticket.saturating_sub(FIRST_TICKET_ID)) * 1_000 + place as u64
}

impl World {
    /// All replies and notes of a ticket, oldest first.
    #[must_use]
    pub fn thread(&self, ticket: &Ticket) -> Vec<Entry> {
        let mut entries = self.origin(ticket).map(|origin| self.made_up_thread(&origin)).unwrap_or_default();
        entries.extend(ticket.thread.iter().cloned());
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.id = entry_id(19_300_000_000, ticket.id, place);
        }
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    /// All time entries of a ticket, oldest first.
    #[must_use]
    pub fn work(&self, ticket: &Ticket) -> Vec<WorkEntry> {
        let mut entries = self.origin(ticket).map(|origin| self.made_up_work(&origin)).unwrap_or_default();
        entries.extend(ticket.work.iter().cloned());
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.id = entry_id(19_400_000_000, ticket.id, place);
        }
        entries
    }

    fn made_up_thread(&self, t: &Ticket) -> Vec<Entry> {
        let mut dice = Dice::new(self.seed, Salt::Thread, t.id);
        let mut entries = Vec::new();
        let entry = |text: &str, at, incoming, private| Entry {
            id: 0,
            text: text.to_owned(),
            incoming,
            private,
            user_id: if incoming { t.requester_id } else { t.responder_id },
            at,
        };
        if let Some(at) = t.first_responded_at {
            entries.push(entry(dice.pick(AGENT_REPLIES), at, false, false));
            if dice.chance(0.35) {
                entries.push(entry(dice.pick(NOTES), at + (t.updated_at - at) / 4, false, true));
            }
            // A few endless tickets, so that whoever reads only one page is found out.
            let index = t.id - FIRST_TICKET_ID;
            if index % 211 == 5 {
                let step = (t.updated_at - at) / 46;
                for turn in 1..44 {
                    let incoming = turn % 2 == 1;
                    let text = dice.pick(if incoming { CUSTOMER_REPLIES } else { AGENT_REPLIES });
                    entries.push(entry(text, at + step * turn, incoming, false));
                }
            }
        }
        if let Some(at) = t.requester_responded_at {
            entries.push(entry(dice.pick(CUSTOMER_REPLIES), at, true, false));
        }
        if let Some(at) = t.agent_responded_at.filter(|at| Some(*at) != t.first_responded_at) {
            entries.push(entry(dice.pick(AGENT_REPLIES), at, false, false));
        }
        entries
    }

    fn made_up_work(&self, t: &Ticket) -> Vec<WorkEntry> {
        let Some(first) = t.first_responded_at else { return Vec::new() };
        let mut dice = Dice::new(self.seed, Salt::Work, t.id);
        let index = t.id - FIRST_TICKET_ID;
        let count = match index % 5_000 {
            17 => 130,
            _ if t.closed_at.is_some() => dice.range(1, 4),
            _ => dice.range(0, 2),
        };
        let step = (t.updated_at - first) / i32::try_from(count.max(1)).unwrap_or(1);
        (0..count)
            .map(|turn| {
                let at = first + step * i32::try_from(turn).unwrap_or(0);
                WorkEntry {
                    id: 0,
                    agent_id: t.responder_id,
                    minutes: dice.weighted(&[(15, 40), (30, 25), (45, 15), (60, 10), (90, 6), (240, 4)]),
                    billable: dice.chance(0.8),
                    executed_at: dice.chance(0.7).then(|| at - TimeDelta::minutes(20)),
                    at,
                    note: dice.pick(WORK_NOTES).to_owned(),
                }
            })
            .collect()
    }
}
