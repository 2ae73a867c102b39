use chrono::{FixedOffset, NaiveDate};

use super::*;

const SCHEDULE: Schedule = Schedule {
    enabled: true,
    tickets: Some(TimeDelta::minutes(5)),
    details: Rhythm::Never,
    comparison: Rhythm::Daily(NaiveTime::MIN),
    base: Rhythm::Daily(NaiveTime::MIN),
    assets: Rhythm::Daily(NaiveTime::MIN),
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
    let none = History::default();
    let early = done("00:10:00");
    let facts = |companies, base, tickets, comparison| Facts {
        companies,
        base,
        tickets,
        comparison,
        ..Facts::default()
    };
    for (case, facts, now, expected) in [
        (
            "a fresh instance begins with companies",
            facts(false, none, none, none),
            "09:00:00",
            vec![Due::Base],
        ),
        ("tickets wait for the first companies", facts(false, running(none), none, none), "09:00:02", vec![]),
        ("then come all tickets", facts(true, running(none), none, none), "09:00:05", vec![Due::Comparison]),
        (
            "without companies tickets come all the same",
            facts(false, failed("09:00:00"), none, none),
            "09:00:05",
            vec![Due::Comparison],
        ),
        (
            "a failed base is retried",
            facts(false, failed("09:00:00"), early, early),
            "09:06:00",
            vec![Due::Base],
        ),
        ("nothing is due between", facts(true, early, done("09:00:00"), early), "09:04:59", vec![]),
        (
            "changes every interval",
            facts(true, early, done("09:00:00"), early),
            "09:05:00",
            vec![Due::Changes],
        ),
        (
            "also after a failure",
            facts(true, early, failed("09:00:00"), early),
            "09:05:00",
            vec![Due::Changes],
        ),
        ("one at a time", facts(true, early, running(done("09:00:00")), early), "09:30:00", vec![]),
        (
            "broken off work goes on at once",
            facts(true, early, interrupted("09:00:00"), early),
            "09:00:20",
            vec![Due::Changes],
        ),
        (
            "the same for the base",
            facts(true, interrupted("09:00:00"), done("09:00:00"), early),
            "09:00:20",
            vec![Due::Base],
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
            vec![Due::Comparison],
        ),
    ] {
        assert_eq!(SCHEDULE.due(&facts, false, &at(now)), expected, "{case}");
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
        assert_eq!(SCHEDULE.next(rhythm, &history, &at(now)), expected, "{case}");
    }
    let off = Schedule { enabled: false, ..SCHEDULE };
    assert_eq!(off.next(daily, &History::default(), &at("09:00:00")), None);
}

#[test]
fn nothing_runs_that_is_switched_off() {
    let off = Schedule {
        tickets: None,
        comparison: Rhythm::Never,
        base: Rhythm::Never,
        assets: Rhythm::Never,
        ..SCHEDULE
    };
    assert_eq!(off.due(&Facts::default(), true, &at("09:00:00")), []);
    assert!(!off.assets_due(&History::default(), true, true, &at("09:00:00")));
}

#[test]
fn assets_are_due_once_a_slot_and_once_there_are_companies() {
    let old = History { succeeded: Some(at("00:00:00") - TimeDelta::days(3)), ..History::default() };
    let hourly = Schedule { assets: Rhythm::Hourly, ..SCHEDULE };
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
        let due = schedule.assets_due(&history, companies, first_look, &at(now));
        assert_eq!(due, expected, "{case}");
    }
}

#[test]
fn hourly_details_come_between_two_comparisons() {
    let schedule = Schedule { details: Rhythm::Hourly, ..SCHEDULE };
    let early = done("00:10:00");
    let facts =
        |tickets, details, comparison| Facts { companies: true, base: early, tickets, details, comparison };
    for (case, facts, now, expected) in [
        (
            "changes in between",
            facts(done("09:05:00"), done("09:00:00"), early),
            "09:10:00",
            Some(Due::Changes),
        ),
        (
            "details every hour",
            facts(done("09:58:00"), done("09:00:00"), early),
            "10:00:00",
            Some(Due::Details),
        ),
        (
            "while details are read",
            facts(done("09:58:00"), running(done("08:00:00")), early),
            "10:00:00",
            None,
        ),
        (
            "and changes go on meanwhile",
            facts(done("09:55:00"), running(done("08:00:00")), early),
            "10:00:00",
            Some(Due::Changes),
        ),
        (
            "the comparison reads them too",
            facts(done("09:58:00"), done("09:00:00"), History::default()),
            "10:00:00",
            Some(Due::Comparison),
        ),
    ] {
        assert_eq!(schedule.due(&facts, false, &at(now)).first(), expected.as_ref(), "{case}");
    }
}

/// Berlin in 2025: clocks are set forward on 30 March from 2 to 3, and back on 26 October from 3 to 2.
#[derive(Debug, Clone, Copy)]
struct Berlin;

impl Berlin {
    fn offset(at: NaiveDateTime) -> FixedOffset {
        let at = at.and_utc();
        let summer = at >= "2025-03-30T01:00:00Z".parse::<DateTime<Utc>>().unwrap()
            && at < "2025-10-26T01:00:00Z".parse::<DateTime<Utc>>().unwrap();
        FixedOffset::east_opt(if summer { 7200 } else { 3600 }).unwrap()
    }
}

impl TimeZone for Berlin {
    type Offset = FixedOffset;

    fn from_offset(_: &FixedOffset) -> Self {
        Self
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<FixedOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<FixedOffset> {
        let fits = |hours: i32| {
            let offset = FixedOffset::east_opt(hours * 3600).unwrap();
            (Self::offset(*local - offset) == offset).then_some(offset)
        };
        match (fits(2), fits(1)) {
            (Some(summer), Some(winter)) => MappedLocalTime::Ambiguous(summer, winter),
            (Some(only), None) | (None, Some(only)) => MappedLocalTime::Single(only),
            (None, None) => MappedLocalTime::None,
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> FixedOffset {
        Self::offset(utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
        Self::offset(*utc)
    }
}

/// When a daily job starts within some days, looked at every minute.
fn starts(time: &str, from: &str, days: i64) -> Vec<String> {
    let rhythm = Rhythm::Daily(NaiveTime::parse_from_str(time, "%H:%M").unwrap());
    let begin: DateTime<Utc> = from.parse().unwrap();
    let mut history =
        History { succeeded: Some(begin), attempted: Some(begin - TimeDelta::days(1)), ..History::default() };
    let mut starts = Vec::new();
    for minute in 0..days * 24 * 60 {
        let now = (begin + TimeDelta::minutes(minute)).with_timezone(&Berlin);
        let next = SCHEDULE.next(rhythm, &history, &now).unwrap();
        assert!(next >= now, "{next} is past at {now}");
        if rhythm_due(rhythm, &history, &now) {
            assert_eq!(next, now, "what is due comes next");
            starts.push(now.format("%d %H:%M %:z").to_string());
            history = History { succeeded: Some(now.to_utc()), attempted: Some(now.to_utc()), ..history };
        }
    }
    starts
}

#[test]
fn a_daily_job_runs_once_a_day_by_the_clock_on_the_wall_whatever_is_done_to_it() {
    let forward = "2025-03-29T11:00:00Z";
    assert_eq!(starts("02:30", forward, 2), ["30 03:00 +02:00", "31 02:30 +02:00"], "there is no 02:30");
    assert_eq!(starts("01:59", forward, 2), ["30 01:59 +01:00", "31 01:59 +02:00"]);
    assert_eq!(starts("03:00", forward, 2), ["30 03:00 +02:00", "31 03:00 +02:00"]);
    let back = "2025-10-25T10:00:00Z";
    assert_eq!(starts("02:30", back, 2), ["26 02:30 +02:00", "27 02:30 +01:00"], "02:30 comes twice");
    assert_eq!(starts("03:00", back, 2), ["26 03:00 +01:00", "27 03:00 +01:00"]);
    assert_eq!(starts("00:00", back, 2), ["26 00:00 +02:00", "27 00:00 +01:00"]);
}
