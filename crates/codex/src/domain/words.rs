//! Ages and spans in words (codex-api.md §5.1, §5.3).

use chrono::{DateTime, TimeDelta, Utc};

/// What stands where a time is missing.
pub const NOT_AVAILABLE: &str = "N/A";

/// Age of a moment: `3d ago`, `2h ago`, `5m ago`, `Just now`; `in the future`, `N/A`.
///
/// `now` is floored to the minute, so a moment within that minute is not the future.
pub fn ago(moment: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let Some(moment) = moment else { return NOT_AVAILABLE.to_owned() };
    let age = now - moment;
    if age <= -TimeDelta::minutes(1) {
        return "in the future".to_owned();
    }
    match (age.num_days(), age.num_hours(), age.num_minutes()) {
        (days @ 1.., _, _) => format!("{days}d ago"),
        (_, hours @ 1.., _) => format!("{hours}h ago"),
        (_, _, minutes @ 1..) => format!("{minutes}m ago"),
        _ => "Just now".to_owned(),
    }
}

/// Length of a span: from 48 h on whole days, then whole hours, whole minutes, `<1m`.
pub fn span(length: TimeDelta) -> String {
    match (length.num_hours(), length.num_minutes()) {
        (48.., _) => format!("{}d", length.num_days()),
        (hours @ 1.., _) => format!("{hours}h"),
        (_, minutes @ 1..) => format!("{minutes}m"),
        _ => "<1m".to_owned(),
    }
}

/// Age in UTC calendar days: `Today`, `1 day old`, `5 days old`, `Future Date`, `N/A`.
pub fn days_old(moment: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let Some(moment) = moment else { return NOT_AVAILABLE.to_owned() };
    match (now.date_naive() - moment.date_naive()).num_days() {
        ..0 => "Future Date".to_owned(),
        0 => "Today".to_owned(),
        1 => "1 day old".to_owned(),
        days => format!("{days} days old"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2025-11-22T10:30:00Z".parse().unwrap()
    }

    #[test]
    fn ages_are_floored_to_the_largest_unit() {
        for (seconds, text) in [
            (0, "Just now"),
            (59, "Just now"),
            (60, "1m ago"),
            (3_599, "59m ago"),
            (3_600, "1h ago"),
            (86_399, "23h ago"),
            (86_400, "1d ago"),
            (40 * 86_400, "40d ago"),
            (-59, "Just now"),
            (-60, "in the future"),
        ] {
            assert_eq!(ago(Some(now() - TimeDelta::seconds(seconds)), now()), text, "{seconds}");
        }
        assert_eq!(ago(None, now()), "N/A");
    }

    #[test]
    fn spans_turn_into_days_only_from_two_days_on() {
        for (minutes, text) in [
            (0, "<1m"),
            (1, "1m"),
            (59, "59m"),
            (60, "1h"),
            (200, "3h"),
            (30 * 60, "30h"),
            (47 * 60 + 59, "47h"),
            (48 * 60, "2d"),
            (9 * 1440, "9d"),
        ] {
            assert_eq!(span(TimeDelta::minutes(minutes)), text, "{minutes}");
        }
        assert_eq!(span(TimeDelta::seconds(59)), "<1m");
    }

    #[test]
    fn days_are_calendar_days() {
        for (moment, text) in [
            ("2025-11-22T00:00:00Z", "Today"),
            ("2025-11-21T23:59:59Z", "1 day old"),
            ("2025-11-17T23:00:00Z", "5 days old"),
            ("2025-11-23T00:00:00Z", "Future Date"),
        ] {
            assert_eq!(days_old(Some(moment.parse().unwrap()), now()), text, "{moment}");
        }
        assert_eq!(days_old(None, now()), "N/A");
    }
}
