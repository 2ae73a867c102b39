//! Which tickets are active when the world begins, and in what state: the mix that a healthy service desk shows.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::ticket::{FIRST_TICKET_ID, StoryRef, Ticket, patience, status};
use super::timeline::office_hour;
use super::{Hours, World};
use crate::dice::{Dice, Salt};

/// The part an active ticket plays on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Urgent, nobody has answered yet.
    UrgentNew,
    /// First response promised for an hour ago or so.
    ResponseOverdue,
    /// First response due within four hours.
    ResponseSoon,
    /// High priority and silent for more than two days.
    UpdateOverdue,
    /// Marked by a dispatcher.
    UpdateNeeded,
    /// Urgent and being worked on right now.
    UrgentInWork,
    /// New, response due between four hours and two days.
    New,
    /// Answered, still with the desk.
    Answered,
    /// The customer wrote last.
    CustomerReplied,
    /// Any quiet state, with its status code.
    Quiet(u16),
}

/// What calls for attention, in the order in which a small world takes from it.
const HOT: &[Role] = &[
    Role::ResponseOverdue,
    Role::UrgentInWork,
    Role::ResponseSoon,
    Role::UpdateOverdue,
    Role::UrgentNew,
    Role::UpdateNeeded,
    Role::ResponseSoon,
    Role::ResponseOverdue,
    Role::UpdateOverdue,
];

/// Shares of everything else.
const CALM: &[(Role, u32)] = &[
    (Role::New, 20),
    (Role::Answered, 9),
    (Role::CustomerReplied, 19),
    (Role::Quiet(status::WAITING_CUSTOMER), 16),
    (Role::Quiet(status::SCHEDULED), 10),
    (Role::Quiet(status::PENDING), 7),
    (Role::Quiet(status::WAITING_THIRD_PARTY), 8),
    (Role::Quiet(status::UNDER_INVESTIGATION), 4),
    (Role::Quiet(status::ON_HOLD), 5),
    (Role::Quiet(status::PENDING_HUBSPOT), 2),
];

/// A place on the board.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// State of the ticket.
    pub role: Role,
    /// Rank among the active tickets, newest first; decides on the story.
    pub rank: u32,
}

impl Place {
    /// Every fourth ticket belongs to professional services.
    const fn project(self) -> bool {
        self.rank % 4 == 2
    }

    /// What it is about. Stories repeat as late as possible, the table in a scattered order.
    fn story(self, dice: &mut Dice) -> StoryRef {
        match (self.role, self.rank) {
            (Role::UrgentNew | Role::UrgentInWork, _) => StoryRef::grave(dice),
            // Texts that break careless pages belong on every board of some size.
            (_, 20) => StoryRef::Hostile(0),
            (_, 41) => StoryRef::Hostile(2),
            _ if self.project() => StoryRef::Project((self.rank / 4).wrapping_mul(5)),
            _ => StoryRef::Support(self.rank.wrapping_mul(19)),
        }
    }
}

impl Role {
    /// How old such a ticket is, in hours of plain time: youngest, oldest, skew.
    const fn age(self) -> (f64, f64, i32) {
        match self {
            Self::UrgentNew => (0.1, 0.6, 1),
            Self::ResponseSoon => (3.0, 12.0, 1),
            Self::ResponseOverdue | Self::UrgentInWork => (4.0, 20.0, 1),
            Self::New => (0.1, 24.0, 2),
            Self::Answered => (3.0, 90.0, 2),
            Self::CustomerReplied => (6.0, 220.0, 2),
            Self::UpdateOverdue | Self::UpdateNeeded => (60.0, 200.0, 1),
            Self::Quiet(status::ON_HOLD | status::PENDING_HUBSPOT) => (150.0, 1200.0, 2),
            Self::Quiet(_) => (20.0, 480.0, 2),
        }
    }
}

/// Picks the active tickets: index of the ticket to its place.
pub(super) fn places(world: &World) -> HashMap<u32, Place> {
    let active = world.size.active.min(world.size.tickets);
    let mut dice = Dice::new(world.seed, Salt::Board, 0);
    // A board never shows more than single digits of burning tickets, however big the desk is.
    let hot = (active / 17).clamp(u32::from(active > 3), HOT.len() as u32);
    let mut roles: Vec<Role> = HOT.iter().take(hot as usize).copied().collect();
    if active > 60 {
        roles.push(Role::Quiet(status::ODD));
    }
    let calm = active - roles.len() as u32;
    let total: u32 = CALM.iter().map(|(_, share)| share).sum();
    let mut given = 0;
    let mut share_sum = 0;
    for (role, share) in CALM {
        share_sum += share;
        let upto = calm * share_sum / total;
        roles.extend(std::iter::repeat_n(*role, (upto - given) as usize));
        given = upto;
    }

    let mut wanted: Vec<(f64, Role)> = roles
        .into_iter()
        .map(|role| {
            let (low, high, skew) = role.age();
            let age = Hours(dice.skewed(low, high, skew)).delta();
            (world.timeline.position(world.start - age), role)
        })
        .collect();
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));

    let mut places = HashMap::with_capacity(wanted.len());
    let mut next_free = world.size.tickets;
    for (rank, (position, role)) in (0..).zip(wanted) {
        // Newest first, each on the nearest older ticket that is free; the rest must fit below.
        let index = (position * f64::from(world.size.tickets)) as u32;
        let index = index.min(next_free.saturating_sub(1)).max(active - rank - 1);
        next_free = index;
        places.insert(index, Place { role, rank });
    }
    places
}

impl World {
    /// The ticket on a place of the board as it is when the world begins.
    pub(super) fn board_ticket(&self, index: u32, place: Place) -> Ticket {
        let mut dice = Dice::new(self.seed, Salt::Board, 1 + u64::from(index));
        let created = self.created_at(index);
        let story = place.story(&mut dice);
        let mut t = self.fresh_ticket(FIRST_TICKET_ID + u64::from(index), created, story, &mut dice);
        t.responder_id = Some(self.someone_of(t.story.group(), &mut dice));
        let now = self.start;
        match place.role {
            Role::UrgentNew => {
                t.priority = 4;
                t.responder_id = None;
                self.promise(&mut t, now + TimeDelta::minutes(dice.range(15, 50)));
            }
            Role::ResponseOverdue => {
                t.priority = dice.pick(&[3, 2]);
                t.responder_id = t.responder_id.filter(|_| dice.chance(0.5));
                self.promise(&mut t, now - TimeDelta::minutes(dice.range(25, 150)));
            }
            Role::ResponseSoon => {
                t.priority = dice.pick(&[3, 2]);
                self.promise(&mut t, now + TimeDelta::minutes(dice.range(40, 200)));
            }
            Role::New => self.new_ticket(&mut t, &mut dice),
            Role::UpdateOverdue => {
                t.priority = 3;
                t.status = status::WAITING_THIRD_PARTY;
                self.answered(&mut t, now - Hours(dice.skewed(49.0, 57.0, 1)).delta());
            }
            Role::UpdateNeeded => {
                t.status = status::UPDATE_NEEDED;
                t.priority = t.priority.min(3);
                self.answered(&mut t, now - Hours(dice.skewed(2.0, 20.0, 1)).delta());
            }
            Role::UrgentInWork => {
                t.priority = 4;
                self.answered(&mut t, now - TimeDelta::minutes(dice.range(3, 14)));
            }
            Role::Answered => self.calm(&mut t, status::OPEN, &mut dice),
            Role::CustomerReplied => {
                self.calm(&mut t, status::CUSTOMER_REPLIED, &mut dice);
                let first = t.first_responded_at.unwrap_or(t.created_at);
                t.agent_responded_at = Some(first + (t.updated_at - first) / 2);
                t.requester_responded_at = Some(t.updated_at);
            }
            Role::Quiet(code) => self.calm(&mut t, code, &mut dice),
        }
        t
    }

    /// New and unanswered: response due between four hours and two days.
    fn new_ticket(&self, t: &mut Ticket, dice: &mut Dice) {
        let left = dice.skewed(4.4, 46.0, 2);
        t.priority = match left {
            ..8.0 => 3,
            ..26.0 => 2,
            _ => dice.pick(&[2, 1, 1]),
        };
        t.responder_id = t.responder_id.filter(|_| dice.chance(0.45));
        // What came in on Friday was at least looked at by Monday.
        t.updated_at = t.updated_at.max(self.start - Hours(0.7 * patience(t.priority)).delta());
        self.promise(t, self.start + Hours(left).delta());
    }

    /// Sets the target that consumers watch: the solution for requests, the first response for incidents.
    fn promise(&self, t: &mut Ticket, target: DateTime<Utc>) {
        if t.kind == "Service Request" {
            t.due_by = Some(target);
            t.fr_due_by = Some(t.created_at + (target - t.created_at) / 2);
        } else {
            t.fr_due_by = Some(target);
            t.due_by = Some(target + TimeDelta::hours(24));
        }
    }

    /// Answered once, last touched at `updated`.
    fn answered(&self, t: &mut Ticket, updated: DateTime<Utc>) {
        let updated = updated.max(t.created_at + TimeDelta::seconds(90));
        t.first_responded_at = Some(t.created_at + ((updated - t.created_at) / 2).min(TimeDelta::hours(3)));
        t.agent_responded_at = Some(updated);
        t.updated_at = updated;
        t.due_by =
            t.due_by.map(|due| due.max(self.start + TimeDelta::hours(i64::from(20 * (5 - t.priority)))));
    }

    /// In good order: answered, touched within the time its priority allows.
    fn calm(&self, t: &mut Ticket, code: u16, dice: &mut Dice) {
        t.status = code;
        t.priority = t.priority.min(3);
        let limit = patience(t.priority).min(80.0) * 0.8;
        let age = Hours(dice.skewed(0.1, limit, 2)).delta();
        let at = office_hour(self.start - age);
        let late = self.start - at > Hours(limit).delta() || at < t.created_at;
        self.answered(t, if late { self.start - age } else { at });
    }
}
