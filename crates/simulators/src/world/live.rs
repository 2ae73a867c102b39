//! The moving world: what a service desk does in the next few seconds.
//!
//! Every step is one event. The kind is drawn with weights that pull the board back to the mix it began with, so it
//! stays convincing for days: new work comes in, the most pressing tickets are served first, the number of active
//! tickets stays in balance.

use chrono::{DateTime, TimeDelta, Utc};

use super::text::stories::{AGENT_REPLIES, CUSTOMER_REPLIES, NOTES, WORK_NOTES};
use super::thread::{Entry, WorkEntry};
use super::ticket::{Ticket, patience, status, targets};
use super::{Hours, World};
use crate::dice::{Dice, Salt};

/// What happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// A customer opens a ticket.
    New,
    /// A technician gives the first response.
    Answer,
    /// A customer writes again.
    CustomerReply,
    /// A technician answers the customer.
    AgentReply,
    /// A technician takes an unassigned ticket.
    Assign,
    /// A quiet ticket is touched before it has been silent too long.
    Touch,
    /// A ticket is finished.
    Close,
}

/// The board as a dispatcher sees it.
#[derive(Debug, Default)]
struct Desk {
    unanswered: Vec<(DateTime<Utc>, u64)>,
    replied: Vec<(DateTime<Utc>, u64)>,
    quiet: Vec<(f64, u64)>,
    pressing: Vec<(DateTime<Utc>, u64)>,
}

impl World {
    /// Lets the world move by one event.
    pub fn step(&mut self, now: DateTime<Utc>) {
        self.step += 1;
        let mut dice = Dice::new(self.seed, Salt::Live, self.step);
        let desk = self.desk(now);
        let event = self.next_event(&desk, &mut dice);
        let id = match event {
            Event::New => return self.open_ticket(now, &desk, &mut dice),
            _ if desk.pressing.len() > self.tolerance() => desk.pressing.first().map(|(_, id)| *id),
            Event::Answer => desk.unanswered.first().map(|(_, id)| *id),
            Event::AgentReply => desk.replied.first().map(|(_, id)| *id),
            Event::Touch => desk.quiet.first().map(|(_, id)| *id),
            Event::Assign => desk.unanswered.iter().map(|(_, id)| *id).find(|id| self.is_unassigned(*id)),
            Event::CustomerReply | Event::Close => self.any_quiet(&desk, event, &mut dice),
        };
        let Some(mut ticket) = id.and_then(|id| self.ticket(id)).map(std::borrow::Cow::into_owned) else {
            return;
        };
        if desk.pressing.len() > self.tolerance() && desk.pressing.iter().any(|(_, id)| *id == ticket.id) {
            self.settle(&mut ticket, now, &mut dice);
        } else {
            self.apply(event, &mut ticket, now, &mut dice);
        }
        ticket.updated_at = now;
        self.put(ticket);
    }

    fn desk(&self, now: DateTime<Utc>) -> Desk {
        let mut desk = Desk::default();
        for t in self.active.iter().filter_map(|id| self.kept.get(id)) {
            let target = if t.kind == "Service Request" { t.due_by } else { t.fr_due_by };
            let silent_until = t.updated_at + Hours(patience(t.priority)).delta();
            let response_until = target.filter(|_| t.first_responded_at.is_none());
            let critical = response_until.is_some_and(|at| at - now < TimeDelta::hours(4));
            if t.status == status::CUSTOMER_REPLIED {
                desk.replied.push((t.updated_at, t.id));
            } else if critical || silent_until < now || t.priority == 4 || t.status == status::UPDATE_NEEDED {
                desk.pressing.push((response_until.unwrap_or(silent_until).min(silent_until), t.id));
            } else if let Some(at) = response_until {
                desk.unanswered.push((at, t.id));
            } else {
                // Share of the patience that is used up, the most impatient first.
                let used = (now - t.updated_at).num_seconds() as f64 / (patience(t.priority) * 3600.0);
                desk.quiet.push((-used, t.id));
            }
        }
        desk.unanswered.sort_unstable();
        desk.replied.sort_unstable();
        desk.pressing.sort_unstable();
        desk.quiet.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        desk
    }

    fn next_event(&self, desk: &Desk, dice: &mut Dice) -> Event {
        let target = self.size.active as usize;
        let active = self.active.len();
        if desk.pressing.len() > self.tolerance() {
            return if active < target { dice.pick(&[Event::New, Event::Answer]) } else { Event::Answer };
        }
        if desk.quiet.first().is_some_and(|(used, _)| *used < -0.9) {
            return Event::Touch;
        }
        let low = |have: usize, percent: usize| have * 100 < target * percent;
        dice.weighted(&[
            (
                Event::New,
                if active * 100 > target * 103 {
                    1
                } else if low(desk.unanswered.len(), 19) {
                    14
                } else {
                    5
                },
            ),
            (Event::Answer, if low(desk.unanswered.len(), 17) { 1 } else { 10 }),
            (Event::CustomerReply, if low(desk.replied.len(), 19) { 12 } else { 3 }),
            (Event::AgentReply, if low(desk.replied.len(), 17) { 1 } else { 10 }),
            (Event::Assign, 3),
            (Event::Touch, 5),
            (
                Event::Close,
                if active > target {
                    12
                } else if low(active, 97) {
                    0
                } else {
                    5
                },
            ),
        ])
    }

    /// How many burning tickets the desk lives with: good and bad twenty minutes take turns.
    fn tolerance(&self) -> usize {
        3 + (self.step / 240 % 5) as usize
    }

    fn is_unassigned(&self, id: u64) -> bool {
        self.kept.get(&id).is_some_and(|t| t.responder_id.is_none())
    }

    /// A ticket without hurry: customers answer on anything but paused work, technicians close what they like.
    fn any_quiet(&self, desk: &Desk, event: Event, dice: &mut Dice) -> Option<u64> {
        let paused = |t: &Ticket| matches!(t.status, status::ON_HOLD | status::PENDING_HUBSPOT);
        let fits = |t: &Ticket| event == Event::Close || !paused(t);
        let ids: Vec<u64> =
            desk.quiet.iter().map(|(_, id)| *id).filter(|id| self.kept.get(id).is_some_and(&fits)).collect();
        ids.get(dice.below(ids.len() as u32) as usize).copied()
    }

    fn open_ticket(&mut self, now: DateTime<Utc>, desk: &Desk, dice: &mut Dice) {
        let mut ticket = self.draft(now);
        // The board may burn, but only a little.
        if ticket.priority == 4 && desk.pressing.len() + 2 > self.tolerance() {
            ticket.priority = 3;
            let (respond, solve) = targets(3);
            ticket.fr_due_by = Some(now + TimeDelta::hours(respond));
            ticket.due_by = Some(now + TimeDelta::hours(solve));
        }
        if dice.chance(0.3) {
            ticket.responder_id = Some(self.someone_of(ticket.story.group(), dice));
        }
        self.put(ticket);
    }

    fn apply(&self, event: Event, t: &mut Ticket, now: DateTime<Utc>, dice: &mut Dice) {
        match event {
            Event::New => {}
            Event::Assign => t.responder_id = Some(self.someone_of(t.story.group(), dice)),
            Event::Touch => say(t, dice.pick(NOTES), false, true, now),
            Event::CustomerReply => {
                t.status = status::CUSTOMER_REPLIED;
                t.requester_responded_at = Some(now);
                say(t, dice.pick(CUSTOMER_REPLIES), true, false, now);
            }
            Event::Answer | Event::AgentReply => {
                self.answer(t, now, dice);
                t.status = dice.weighted(&[
                    (status::WAITING_CUSTOMER, 40),
                    (status::OPEN, 14),
                    (status::SCHEDULED, 16),
                    (status::PENDING, 8),
                    (status::WAITING_THIRD_PARTY, 10),
                    (status::UNDER_INVESTIGATION, 6),
                    (status::ON_HOLD, 4),
                    (status::PENDING_HUBSPOT, 2),
                ]);
            }
            Event::Close => self.finish(t, now, dice),
        }
    }

    /// Deals with a pressing ticket: the worst is over, or it is finished.
    fn settle(&self, t: &mut Ticket, now: DateTime<Utc>, dice: &mut Dice) {
        if t.first_responded_at.is_some() && (t.priority == 4 || dice.chance(0.5)) {
            return self.finish(t, now, dice);
        }
        self.answer(t, now, dice);
        t.status = dice.pick(&[status::WAITING_CUSTOMER, status::SCHEDULED, status::WAITING_THIRD_PARTY]);
        t.priority = t.priority.min(3);
    }

    fn answer(&self, t: &mut Ticket, now: DateTime<Utc>, dice: &mut Dice) {
        if t.responder_id.is_none() {
            t.responder_id = Some(self.someone_of(t.story.group(), dice));
        }
        t.first_responded_at = t.first_responded_at.or(Some(now));
        t.agent_responded_at = Some(now);
        say(t, dice.pick(AGENT_REPLIES), false, false, now);
    }

    fn finish(&self, t: &mut Ticket, now: DateTime<Utc>, dice: &mut Dice) {
        self.answer(t, now, dice);
        t.status = dice.pick(&[status::CLOSED, status::CLOSED, status::JOB_COMPLETE_BILL]);
        t.resolved_at = Some(now);
        t.closed_at = Some(now);
        let minutes = dice.pick(&[15, 15, 30, 45, 60, 90]);
        t.work.push(WorkEntry {
            id: 0,
            agent_id: t.responder_id,
            minutes,
            billable: dice.chance(0.8),
            executed_at: Some(now - TimeDelta::minutes(i64::from(minutes))),
            at: now,
            note: dice.pick(WORK_NOTES).to_owned(),
        });
    }
}

fn say(t: &mut Ticket, text: &str, incoming: bool, private: bool, at: DateTime<Utc>) {
    let user_id = if incoming { t.requester_id } else { t.responder_id };
    t.thread.push(Entry { id: 0, text: text.to_owned(), incoming, private, user_id, at });
}

#[cfg(test)]
mod tests {
    use super::super::{Size, SizeName};
    use super::*;

    #[test]
    fn the_board_stays_in_balance_for_two_days() {
        let mut now: DateTime<Utc> = "2026-03-18T09:30:00Z".parse().unwrap();
        let mut world = World::new(7, Size::named(SizeName::Demo), now);
        let first_new = world.next_id();
        for step in 0..34_560 {
            now += TimeDelta::seconds(5);
            world.step(now);
            if step % 720 == 719 {
                let desk = world.desk(now);
                let active = world.active().len();
                assert!((108..=132).contains(&active), "{active} active after {step} steps");
                assert!(desk.pressing.len() < 10, "{} pressing after {step} steps", desk.pressing.len());
                assert!(desk.unanswered.len() >= 10, "{} new after {step} steps", desk.unanswered.len());
                assert!(desk.replied.len() >= 8, "{} replied after {step} steps", desk.replied.len());
                assert!(desk.quiet.len() >= 25, "{} quiet after {step} steps", desk.quiet.len());
            }
        }
        assert!(world.next_id() > first_new + 1_000);
    }

    #[test]
    fn moving_is_deterministic() {
        let now: DateTime<Utc> = "2026-03-18T09:30:00Z".parse().unwrap();
        let run = || {
            let mut world = World::new(3, Size::named(SizeName::Demo), now);
            for step in 0..300 {
                world.step(now + TimeDelta::seconds(step * 5));
            }
            let mut tickets: Vec<Ticket> = world.kept.values().cloned().collect();
            tickets.sort_by_key(|t| t.id);
            tickets
        };
        assert_eq!(run(), run());
    }
}
