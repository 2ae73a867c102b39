use super::*;

fn now() -> DateTime<Utc> {
    "2025-11-22T10:30:00Z".parse().unwrap()
}

fn unit(state: Phase, health: Health) -> UnitStatus {
    UnitStatus { state, health, ..UnitStatus::bare("codex", UnitKind::Service) }
}

fn severities(observed: &Observed) -> Vec<(Rule, Severity)> {
    findings(observed, now()).into_iter().map(|finding| (finding.rule, finding.severity)).collect()
}

#[test]
fn nothing_known_is_nothing_to_tell() {
    assert_eq!(findings(&Observed::default(), now()), []);
}

#[test]
fn a_service_is_down_when_it_should_run_and_does_not_work() {
    let table = [
        (Phase::Running, Health::Healthy, None),
        (Phase::Running, Health::Degraded, None),
        (Phase::Running, Health::Unknown, None),
        (Phase::Stopping, Health::Unknown, None),
        (Phase::Running, Health::Unhealthy, Some("codex runs and does not work: why")),
        (Phase::Running, Health::Unreachable, Some("codex runs and does not answer: why")),
        (Phase::Starting, Health::Unknown, Some("codex is starting: why")),
        (Phase::Waiting, Health::Unknown, Some("codex is waiting: why")),
        (Phase::Backoff, Health::Unknown, Some("codex is restarting: why")),
        (Phase::Stopped, Health::Unknown, Some("codex is stopped: why")),
    ];
    for (state, health, message) in table {
        let mut observed = Observed {
            units: vec![UnitStatus { health_message: "why".into(), ..unit(state, health) }],
            ..Observed::default()
        };
        let told: Vec<_> = findings(&observed, now()).into_iter().map(|finding| finding.message).collect();
        assert_eq!(told, message.into_iter().collect::<Vec<_>>(), "{state:?} {health:?}");
        observed.stopped_by_hand.insert("codex".into());
        assert_eq!(findings(&observed, now()), [], "{state:?}: somebody wanted it so");
    }
}

#[test]
fn limits_of_the_machine() {
    let table = [
        (11 * GIB, None),
        (10 * GIB, Some(Severity::Warning)),
        (2 * GIB + 1, Some(Severity::Warning)),
        (2 * GIB, Some(Severity::Critical)),
    ];
    for (left, severity) in table {
        let observed = Observed { disk: Some(Room { total: 100 * GIB, left }), ..Observed::default() };
        let expected: Vec<_> = severity.into_iter().map(|severity| (Rule::Disk, severity)).collect();
        assert_eq!(severities(&observed), expected, "{left}");
    }
    let table = [
        (10, None),
        (9, Some(Severity::Warning)),
        (4, Some(Severity::Warning)),
        (3, Some(Severity::Critical)),
    ];
    for (left, severity) in table {
        let observed = Observed { memory: Some(Room { total: 100, left }), ..Observed::default() };
        let expected: Vec<_> = severity.into_iter().map(|severity| (Rule::Memory, severity)).collect();
        assert_eq!(severities(&observed), expected, "{left} %");
    }
    let nothing = Observed { memory: Some(Room { total: 0, left: 0 }), ..Observed::default() };
    assert_eq!(severities(&nothing), [], "a machine that does not tell");
}

#[test]
fn errors_count_by_number_and_share() {
    let table = [
        (9, 9, None),
        (10, 201, None),
        (10, 200, Some(Severity::Warning)),
        (100, 401, Some(Severity::Warning)),
        (100, 400, Some(Severity::Critical)),
        (0, 0, None),
    ];
    for (errors, all, severity) in table {
        let lines = BTreeMap::from([("codex".to_owned(), Lines { errors, all })]);
        let observed = Observed { lines, ..Observed::default() };
        let expected: Vec<_> = severity.into_iter().map(|severity| (Rule::ErrorRate, severity)).collect();
        assert_eq!(severities(&observed), expected, "{errors} of {all}");
    }
}

#[test]
fn certificates_and_backups_age() {
    let certificate = |days: i64, hours: i64| {
        let until = now() + TimeDelta::days(days) + TimeDelta::hours(hours);
        severities(&Observed { certificate_until: Some(until), ..Observed::default() })
    };
    assert_eq!(certificate(14, 0), []);
    assert_eq!(certificate(13, 23), [(Rule::Certificate, Severity::Warning)]);
    assert_eq!(certificate(3, 0), [(Rule::Certificate, Severity::Warning)]);
    assert_eq!(certificate(2, 23), [(Rule::Certificate, Severity::Critical)]);
    assert_eq!(certificate(-1, 0), [(Rule::Certificate, Severity::Critical)]);
    let backup = |hours: i64, ok: bool| {
        let backup = LastBackup { finished_at: now() - TimeDelta::hours(hours), ok };
        severities(&Observed { backup: Some(backup), ..Observed::default() })
    };
    assert_eq!(backup(25, true), []);
    assert_eq!(backup(26, true), [(Rule::Backup, Severity::Warning)]);
    assert_eq!(backup(72, true), [(Rule::Backup, Severity::Critical)]);
    assert_eq!(backup(1, false), [(Rule::Backup, Severity::Warning)]);
    let never = |hours: i64| {
        severities(&Observed { unsaved_since: Some(now() - TimeDelta::hours(hours)), ..Observed::default() })
    };
    assert_eq!(never(25), []);
    assert_eq!(never(26), [(Rule::Backup, Severity::Warning)]);
    assert_eq!(never(1000), [(Rule::Backup, Severity::Warning)]);
}

#[test]
fn restarts_count_within_ten_minutes_whatever_the_counter_was_before() {
    let mut memory = Memory::default();
    let at = |minutes: i64| now() + TimeDelta::minutes(minutes);
    let mut look = |minutes: i64, restarts: u32| {
        let unit = UnitStatus { restarts, ..unit(Phase::Running, Health::Healthy) };
        memory.restarts(&[unit], at(minutes)).get("codex").copied().unwrap_or_default()
    };
    assert_eq!(look(0, 1), 1, "all begin at nothing");
    assert_eq!(look(1, 2), 2);
    assert_eq!(look(5, 4), 4);
    assert_eq!(look(10, 4), 3, "the first one is too long ago");
    assert_eq!(look(12, 4), 2);
    assert_eq!(look(16, 4), 0);
    assert_eq!(look(17, 0), 0, "a new counter");
    assert_eq!(look(18, 2), 2);
    let looping = Observed { restarts: BTreeMap::from([("codex".into(), 3)]), ..Observed::default() };
    assert_eq!(severities(&looping), [(Rule::RestartLoop, Severity::Critical)]);
}

#[test]
fn a_short_absence_is_not_told_and_a_new_one_waits_anew() {
    let mut memory = Memory::default();
    let down = || finding(Rule::Down, "codex", Severity::Critical, "codex is stopped.".into());
    let full = || finding(Rule::Disk, "disk", Severity::Warning, "full".into());
    let at = |seconds: i64| now() + TimeDelta::seconds(seconds);
    assert_eq!(memory.settled(vec![down(), full()], at(0)), [full()], "only `down` waits");
    assert_eq!(memory.settled(vec![down()], at(44)), []);
    assert_eq!(memory.settled(vec![down()], at(45)), [down()]);
    assert_eq!(memory.settled(vec![], at(60)), []);
    assert_eq!(memory.settled(vec![down()], at(75)), [], "it had come back");
}
