//! How long something is past, in words.

use chrono::{DateTime, TimeDelta, Utc};

/// `just now`, `12 minutes ago`, `3 hours ago`; from a day on the date, UTC.
pub fn ago(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let past = now - then;
    let counted = |count: i64, unit: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural} ago")
    };
    if past < TimeDelta::minutes(1) {
        "just now".to_owned()
    } else if past < TimeDelta::hours(1) {
        counted(past.num_minutes(), "minute")
    } else if past < TimeDelta::days(1) {
        counted(past.num_hours(), "hour")
    } else {
        exact(then)
    }
}

/// `22 Nov 2025, 10:30 UTC`.
pub fn exact(time: DateTime<Utc>) -> String {
    time.format("%-d %b %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recent_past_is_told_in_words_and_the_rest_by_date() {
        let now = DateTime::from_timestamp(1_763_800_200, 0).unwrap();
        for (seconds, text) in [
            (-5, "just now"),
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "1 hour ago"),
            (86_399, "23 hours ago"),
            (86_400, "21 Nov 2025, 08:30 UTC"),
        ] {
            assert_eq!(ago(now - TimeDelta::seconds(seconds), now), text, "{seconds}");
        }
    }
}
