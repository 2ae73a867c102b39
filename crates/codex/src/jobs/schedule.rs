//! What is due when (codex-api.md §8.3). Pure: the scheduler asks, with the facts and the time.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::{Details, Work};
use crate::config::SchedulerSettings;
use crate::sync::Reach;

/// How often something runs that is not tied to the ticket interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// Every day at this time, UTC.
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
    /// Comparison of all tickets with the vendor, and all recent details.
    pub ticket_details: Rhythm,
    /// Companies, contacts, agents.
    pub base: Rhythm,
    /// Devices.
    pub devices: Rhythm,
    /// Whether everything runs once at the start.
    pub run_on_startup: bool,
}

/// How one kind of work went so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct History {
    /// Start of the newest attempt.
    pub(super) attempted: Option<DateTime<Utc>>,
    /// Start of the newest success.
    pub(super) succeeded: Option<DateTime<Utc>>,
    /// Whether the newest attempt was broken off by the end of its worker.
    pub(super) interrupted: bool,
    /// Whether the attempt before it was broken off as well.
    pub(super) interrupted_before: bool,
    /// Whether one runs now.
    pub(super) running: bool,
}

/// What the scheduler knows about one provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether there are companies that tickets can belong to.
    pub(super) companies: bool,
    /// Companies, contacts, agents.
    pub(super) base: History,
    /// Ticket list phases of any reach.
    pub(super) tickets: History,
    /// Comparisons of all tickets.
    pub(super) full: History,
}

impl Schedule {
    /// The schedule the settings describe. An unknown rhythm means that nothing is scheduled, as upstream.
    pub fn from_settings(settings: &SchedulerSettings) -> Self {
        let rhythm = |enabled: bool, name: &str, daily: &[&str], time: NaiveTime| match name.trim() {
            "hourly" if enabled => Rhythm::Hourly,
            name if enabled && daily.contains(&name) => Rhythm::Daily(time),
            _ => Rhythm::Never,
        };
        let details = settings.sync_tickets_schedule.as_str();
        let interval =
            i64::try_from(settings.ticket_sync_interval_seconds).ok().and_then(TimeDelta::try_seconds);
        let known = ["frequent", "daily", "hourly"].contains(&details.trim());
        Self {
            enabled: !settings.skip_scheduler,
            tickets: (settings.sync_tickets_enabled && known).then(|| interval.unwrap_or(TimeDelta::MAX)),
            ticket_details: rhythm(
                settings.sync_tickets_enabled,
                details,
                &["daily", "frequent"],
                settings.sync_tickets_detail_time,
            ),
            base: rhythm(
                settings.sync_psa_enabled,
                &settings.sync_psa_schedule,
                &["daily"],
                settings.sync_psa_time,
            ),
            devices: rhythm(
                settings.sync_rmm_enabled,
                &settings.sync_rmm_schedule,
                &["daily"],
                settings.sync_rmm_time,
            ),
            run_on_startup: settings.sync_run_on_startup,
        }
    }
}

/// Least time between a failure and the next attempt of work that is not tied to the ticket interval.
const RETRY: TimeDelta = TimeDelta::minutes(5);

impl Schedule {
    /// What has to be started now, at most one piece of each kind.
    pub(super) fn due(&self, facts: &Facts, first_look: bool, now: DateTime<Utc>) -> Vec<Work> {
        let startup = first_look && self.run_on_startup;
        let mut due = Vec::new();
        let base = !facts.base.running && (startup || self.base_due(facts, now));
        if base {
            due.push(Work::base());
        }
        // Tickets without companies would have to be given theirs afterwards; the wait is short, and only at first.
        let companies_come = !facts.companies && (base || facts.base.running);
        if facts.tickets.running || companies_come {
            return due;
        }
        if rhythm_due(self.ticket_details, &facts.full, now) {
            due.push(Work::Tickets { reach: Reach::Full, details: Details::Refresh });
        } else if self.tickets.is_some_and(|interval| startup || interval_due(interval, &facts.tickets, now))
        {
            due.push(Work::Tickets { reach: Reach::Changes, details: Details::All });
        }
        due
    }

    /// When work of this rhythm begins next: at once when a moment was missed.
    pub(super) fn next(
        &self,
        rhythm: Rhythm,
        history: &History,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if !self.enabled {
            return None;
        }
        let next = match rhythm {
            Rhythm::Never => return None,
            Rhythm::Hourly => last_slot(rhythm, now)? + TimeDelta::hours(1),
            Rhythm::Daily(_) => last_slot(rhythm, now)? + TimeDelta::days(1),
        };
        let missed = !history.running && last_slot(rhythm, now) > history.succeeded;
        let rested = history.attempted.map_or(now, |attempted| (attempted + RETRY).max(now));
        Some(if missed { rested.min(next) } else { next })
    }

    /// Whether devices have to be read now. Without companies there is nothing they could belong to.
    pub(super) fn devices_due(
        &self,
        devices: &History,
        companies: bool,
        first_look: bool,
        now: DateTime<Utc>,
    ) -> bool {
        if devices.running || !companies || self.devices == Rhythm::Never {
            return false;
        }
        let startup = first_look && self.run_on_startup;
        startup || goes_on(devices, now) || rhythm_due(self.devices, devices, now)
    }

    fn base_due(&self, facts: &Facts, now: DateTime<Utc>) -> bool {
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

fn interval_due(interval: TimeDelta, history: &History, now: DateTime<Utc>) -> bool {
    goes_on(history, now) || history.attempted.is_none_or(|attempted| now - attempted >= interval)
}

/// Whether the latest planned moment has passed without a success since. Missed moments are made up for once.
fn rhythm_due(rhythm: Rhythm, history: &History, now: DateTime<Utc>) -> bool {
    let Some(slot) = last_slot(rhythm, now) else { return false };
    history.succeeded.is_none_or(|succeeded| succeeded < slot) && rested(history, now)
}

/// The latest planned moment.
fn last_slot(rhythm: Rhythm, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match rhythm {
        Rhythm::Never => None,
        Rhythm::Hourly => Some(now - TimeDelta::seconds(now.timestamp().rem_euclid(3600))),
        Rhythm::Daily(time) => {
            let today = now.date_naive().and_time(time).and_utc();
            Some(if today <= now { today } else { today - TimeDelta::days(1) })
        }
    }
}

/// Whether broken off work goes on now: at once, but work that is broken off every time may be what ends the worker.
fn goes_on(history: &History, now: DateTime<Utc>) -> bool {
    history.interrupted && (!history.interrupted_before || rested(history, now))
}

fn rested(history: &History, now: DateTime<Utc>) -> bool {
    history.attempted.is_none_or(|attempted| now - attempted >= RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        enabled: true,
        tickets: Some(TimeDelta::minutes(5)),
        ticket_details: Rhythm::Daily(NaiveTime::MIN),
        base: Rhythm::Daily(NaiveTime::MIN),
        devices: Rhythm::Daily(NaiveTime::MIN),
        run_on_startup: false,
    };

    fn at(time: &str) -> DateTime<Utc> {
        format!("2025-11-22T{time}Z").parse().unwrap()
    }

    fn done(time: &str) -> History {
        History { attempted: Some(at(time)), succeeded: Some(at(time)), ..History::default() }
    }

    fn failed(time: &str) -> History {
        History { attempted: Some(at(time)), ..History::default() }
    }

    fn running(history: History) -> History {
        History { running: true, ..history }
    }

    fn interrupted(time: &str) -> History {
        History { interrupted: true, ..failed(time) }
    }

    fn again(time: &str) -> History {
        History { interrupted_before: true, ..interrupted(time) }
    }

    #[test]
    fn work_is_due_by_schedule_after_failures_and_after_interruptions() {
        let list = Work::Tickets { reach: Reach::Changes, details: Details::All };
        let full = Work::Tickets { reach: Reach::Full, details: Details::Refresh };
        let none = History::default();
        let early = done("00:10:00");
        let facts = |companies, base, tickets, full| Facts { companies, base, tickets, full };
        for (case, facts, now, expected) in [
            (
                "a fresh instance begins with companies",
                facts(false, none, none, none),
                "09:00:00",
                vec![Work::base()],
            ),
            (
                "tickets wait for the first companies",
                facts(false, running(none), none, none),
                "09:00:02",
                vec![],
            ),
            ("then come all tickets", facts(true, running(none), none, none), "09:00:05", vec![full.clone()]),
            (
                "without companies tickets come all the same",
                facts(false, failed("09:00:00"), none, none),
                "09:00:05",
                vec![full.clone()],
            ),
            (
                "a failed base is retried",
                facts(false, failed("09:00:00"), early, early),
                "09:06:00",
                vec![Work::base()],
            ),
            ("nothing is due between", facts(true, early, done("09:00:00"), early), "09:04:59", vec![]),
            (
                "changes every interval",
                facts(true, early, done("09:00:00"), early),
                "09:05:00",
                vec![list.clone()],
            ),
            (
                "also after a failure",
                facts(true, early, failed("09:00:00"), early),
                "09:05:00",
                vec![list.clone()],
            ),
            ("one at a time", facts(true, early, running(done("09:00:00")), early), "09:30:00", vec![]),
            (
                "broken off work goes on at once",
                facts(true, early, interrupted("09:00:00"), early),
                "09:00:20",
                vec![list],
            ),
            (
                "the same for the base",
                facts(true, interrupted("09:00:00"), done("09:00:00"), early),
                "09:00:20",
                vec![Work::base()],
            ),
            (
                "a missed day is made up for",
                facts(
                    true,
                    done("00:00:00"),
                    done("09:00:00"),
                    History { succeeded: Some(at("00:00:00") - TimeDelta::days(2)), ..none },
                ),
                "09:01:00",
                vec![full],
            ),
        ] {
            assert_eq!(SCHEDULE.due(&facts, false, at(now)), expected, "{case}");
        }
    }

    #[test]
    fn the_next_run_is_the_next_moment_or_at_once_when_one_was_missed() {
        let daily = Rhythm::Daily(NaiveTime::from_hms_opt(2, 30, 0).unwrap());
        let tomorrow = at("02:30:00") + TimeDelta::days(1);
        for (case, rhythm, history, now, expected) in [
            ("done today", daily, done("02:30:00"), "09:00:00", Some(tomorrow)),
            ("later today", daily, done("01:00:00"), "02:00:00", Some(at("02:30:00"))),
            ("missed", daily, done("01:00:00"), "09:00:00", Some(at("09:00:00"))),
            ("failed just now", daily, failed("08:59:00"), "09:00:00", Some(at("09:04:00"))),
            ("runs", daily, running(failed("08:59:00")), "09:00:00", Some(tomorrow)),
            ("hourly", Rhythm::Hourly, done("09:00:00"), "09:20:00", Some(at("10:00:00"))),
            ("never", Rhythm::Never, done("09:00:00"), "09:20:00", None),
        ] {
            assert_eq!(SCHEDULE.next(rhythm, &history, at(now)), expected, "{case}");
        }
        let off = Schedule { enabled: false, ..SCHEDULE };
        assert_eq!(off.next(daily, &History::default(), at("09:00:00")), None);
    }

    #[test]
    fn nothing_runs_that_is_switched_off() {
        let off = Schedule {
            tickets: None,
            ticket_details: Rhythm::Never,
            base: Rhythm::Never,
            devices: Rhythm::Never,
            ..SCHEDULE
        };
        assert_eq!(off.due(&Facts::default(), true, at("09:00:00")), []);
        assert!(!off.devices_due(&History::default(), true, true, at("09:00:00")));
    }

    #[test]
    fn devices_are_due_once_a_slot_and_once_there_are_companies() {
        let old = History { succeeded: Some(at("00:00:00") - TimeDelta::days(3)), ..History::default() };
        let hourly = Schedule { devices: Rhythm::Hourly, ..SCHEDULE };
        let startup = Schedule { run_on_startup: true, ..SCHEDULE };
        for (case, schedule, history, companies, first_look, now, expected) in [
            ("never read", SCHEDULE, History::default(), true, true, "09:00:00", true),
            ("no companies yet", SCHEDULE, History::default(), false, true, "09:00:00", false),
            ("read today", SCHEDULE, done("00:10:00"), true, true, "09:00:00", false),
            ("missed days are made up for", SCHEDULE, old, true, true, "09:00:00", true),
            ("one at a time", SCHEDULE, running(old), true, true, "09:00:00", false),
            ("not at once after a failure", SCHEDULE, failed("08:59:00"), true, true, "09:00:00", false),
            ("but soon", SCHEDULE, failed("08:55:00"), true, true, "09:00:00", true),
            ("broken off", SCHEDULE, interrupted("08:59:59"), true, true, "09:00:00", true),
            ("broken off again", SCHEDULE, again("08:59:59"), true, true, "09:00:00", false),
            ("broken off again, a while ago", SCHEDULE, again("08:55:00"), true, true, "09:00:00", true),
            ("within the hour", hourly, done("09:00:00"), true, false, "09:59:59", false),
            ("next hour", hourly, done("09:00:00"), true, false, "10:00:00", true),
            ("at the start", startup, done("08:59:00"), true, true, "09:00:00", true),
            ("later on", startup, done("08:59:00"), true, false, "09:00:00", false),
        ] {
            let due = schedule.devices_due(&history, companies, first_look, at(now));
            assert_eq!(due, expected, "{case}");
        }
    }
}
