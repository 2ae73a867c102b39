//! What is due when (codex-api.md §8.3): the scheduler asks, with the facts and the time. Moments of a day are meant in the
//! zone that the time comes with.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};

/// How often something runs that is not tied to the ticket interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// Every day at this time.
    Daily(NaiveTime),
    /// At every full hour.
    Hourly,
    /// Not at all.
    Never,
}

/// The configured schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Whether anything runs by itself.
    pub enabled: bool,
    /// Time between the starts of two ticket list phases; `None` for none.
    pub tickets: Option<TimeDelta>,
    /// Details of recently changed tickets read again, beside those of the comparison.
    pub details: Rhythm,
    /// Comparison of all tickets with the vendor, and details of active and recently changed ones.
    pub comparison: Rhythm,
    /// Companies, contacts, agents.
    pub base: Rhythm,
    /// Assets.
    pub assets: Rhythm,
    /// Whether everything runs once at the start.
    pub run_on_startup: bool,
}

/// Work for the ticketing system that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Companies, contacts, agents.
    Base,
    /// Tickets that changed.
    Changes,
    /// The same, and details of recently changed tickets again.
    Details,
    /// All tickets compared with the vendor, and details of active and recently changed ones.
    Comparison,
}

/// How one kind of work went so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct History {
    /// Start of the newest attempt.
    pub attempted: Option<DateTime<Utc>>,
    /// Start of the newest success.
    pub succeeded: Option<DateTime<Utc>>,
    /// Whether the newest attempt was broken off by the end of its worker.
    pub interrupted: bool,
    /// Whether the attempt before it was broken off as well.
    pub interrupted_before: bool,
    /// Whether one runs now.
    pub running: bool,
}

/// What the scheduler knows about one provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether there are companies that tickets can belong to.
    pub companies: bool,
    /// Companies, contacts, agents.
    pub base: History,
    /// Ticket list phases of any reach.
    pub tickets: History,
    /// Runs that read details of recently changed tickets again.
    pub details: History,
    /// Comparisons of all tickets.
    pub comparison: History,
}

/// Least time between a failure and the next attempt of work that is not tied to the ticket interval.
const RETRY: TimeDelta = TimeDelta::minutes(5);
/// Step in which the end of a gap in local time is looked for; all gaps end at a multiple of it.
const GAP_STEP: TimeDelta = TimeDelta::minutes(5);
/// Longest gap in local time that is looked for: zones have skipped a whole day.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(25);

impl Schedule {
    /// What has to be started now, at most one piece of each kind.
    pub fn due<Z: TimeZone>(&self, facts: &Facts, first_look: bool, now: &DateTime<Z>) -> Vec<Due> {
        let startup = first_look && self.run_on_startup;
        let mut due = Vec::new();
        let base = !facts.base.running && (startup || self.base_due(facts, now));
        if base {
            due.push(Due::Base);
        }
        // Tickets without companies would have to be given theirs afterwards; the wait is short, and only at first.
        let companies_come = !facts.companies && (base || facts.base.running);
        if facts.tickets.running || companies_come {
            return due;
        }
        if rhythm_due(self.comparison, &facts.comparison, now) {
            due.push(Due::Comparison);
        } else if !facts.details.running && rhythm_due(self.details, &facts.details, now) {
            due.push(Due::Details);
        } else if self.tickets.is_some_and(|interval| startup || interval_due(interval, &facts.tickets, now))
        {
            due.push(Due::Changes);
        }
        due
    }

    /// When work of this rhythm begins next: at once when a moment was missed.
    pub fn next<Z: TimeZone>(
        &self,
        rhythm: Rhythm,
        history: &History,
        now: &DateTime<Z>,
    ) -> Option<DateTime<Utc>> {
        if !self.enabled {
            return None;
        }
        let next = next_slot(rhythm, now)?;
        let missed = !history.running && last_slot(rhythm, now) > history.succeeded;
        let now = now.to_utc();
        let rested = history.attempted.map_or(now, |attempted| (attempted + RETRY).max(now));
        Some(if missed { rested.min(next) } else { next })
    }

    /// Whether assets have to be read now. Without companies there is nothing they could belong to.
    pub fn assets_due<Z: TimeZone>(
        &self,
        assets: &History,
        companies: bool,
        first_look: bool,
        now: &DateTime<Z>,
    ) -> bool {
        if assets.running || !companies || self.assets == Rhythm::Never {
            return false;
        }
        let startup = first_look && self.run_on_startup;
        startup || goes_on(assets, now) || rhythm_due(self.assets, assets, now)
    }

    fn base_due<Z: TimeZone>(&self, facts: &Facts, now: &DateTime<Z>) -> bool {
        if self.base == Rhythm::Never {
            return false;
        }
        let first = !facts.companies && facts.base.succeeded.is_none();
        if first || facts.base.interrupted {
            return goes_on(&facts.base, now) || rested(&facts.base, now);
        }
        rhythm_due(self.base, &facts.base, now)
    }
}

fn interval_due<Z: TimeZone>(interval: TimeDelta, history: &History, now: &DateTime<Z>) -> bool {
    goes_on(history, now) || history.attempted.is_none_or(|attempted| now.to_utc() - attempted >= interval)
}

/// Whether the latest planned moment has passed without a success since. Missed moments are made up for once.
fn rhythm_due<Z: TimeZone>(rhythm: Rhythm, history: &History, now: &DateTime<Z>) -> bool {
    let Some(slot) = last_slot(rhythm, now) else { return false };
    history.succeeded.is_none_or(|succeeded| succeeded < slot) && rested(history, now)
}

/// The latest planned moment.
fn last_slot<Z: TimeZone>(rhythm: Rhythm, now: &DateTime<Z>) -> Option<DateTime<Utc>> {
    match rhythm {
        Rhythm::Never => None,
        Rhythm::Hourly => Some(full_hour(now)),
        Rhythm::Daily(time) => {
            let today = now.date_naive();
            let days = [Some(today), today.pred_opt()].into_iter().flatten();
            let mut slots = days.filter_map(|day| moment(&now.timezone(), day.and_time(time)));
            slots.find(|slot| *slot <= now.to_utc())
        }
    }
}

/// The next planned moment.
fn next_slot<Z: TimeZone>(rhythm: Rhythm, now: &DateTime<Z>) -> Option<DateTime<Utc>> {
    match rhythm {
        Rhythm::Never => None,
        Rhythm::Hourly => Some(full_hour(now) + TimeDelta::hours(1)),
        Rhythm::Daily(time) => {
            let days = now.date_naive().iter_days().take(3);
            let mut slots = days.filter_map(|day| moment(&now.timezone(), day.and_time(time)));
            slots.find(|slot| *slot > now.to_utc())
        }
    }
}

fn full_hour<Z: TimeZone>(now: &DateTime<Z>) -> DateTime<Utc> {
    now.to_utc() - TimeDelta::seconds(now.timestamp().rem_euclid(3600))
}

/// The one moment that a local time stands for: the first of two where clocks are set back, and where they are set forward
/// and have no such time, the moment at which that happens.
fn moment<Z: TimeZone>(zone: &Z, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    let mut passed = TimeDelta::zero();
    while passed <= LONGEST_GAP {
        match zone.from_local_datetime(&local.checked_add_signed(passed)?) {
            MappedLocalTime::Single(moment) | MappedLocalTime::Ambiguous(moment, _) => {
                return Some(moment.to_utc());
            }
            // Up to the next full step first, so that the steps meet the end of the gap.
            MappedLocalTime::None => {
                let seconds = (local + passed).and_utc().timestamp();
                let ahead = GAP_STEP.num_seconds() - seconds.rem_euclid(GAP_STEP.num_seconds());
                passed += TimeDelta::seconds(ahead);
            }
        }
    }
    None
}

/// Whether broken off work goes on now: at once, but work that is broken off every time may be what ends the worker.
fn goes_on<Z: TimeZone>(history: &History, now: &DateTime<Z>) -> bool {
    history.interrupted && (!history.interrupted_before || rested(history, now))
}

fn rested<Z: TimeZone>(history: &History, now: &DateTime<Z>) -> bool {
    history.attempted.is_none_or(|attempted| now.to_utc() - attempted >= RETRY)
}

#[cfg(test)]
mod tests;
