//! How times are written in APIs and on pages, and texts that have to fit.

use chrono::{DateTime, SecondsFormat, Utc};

/// `2025-11-22T10:30:00Z`: ISO 8601, UTC, no fraction (the seeds' form).
pub fn iso_z(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `2025-11-22T10:30:00.123Z`: as [`iso_z`] with milliseconds, for logs and health.
pub fn iso_z_millis(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `Nov 22, 09:15 AM`: the short form of tables, UTC.
pub fn short_datetime(time: DateTime<Utc>) -> String {
    time.format("%b %d, %I:%M %p").to_string()
}

/// `Nov 22, 2025 10:30 AM`: the form of the board's last sync, UTC.
pub fn long_datetime(time: DateTime<Utc>) -> String {
    time.format("%b %-d, %Y %-I:%M %p").to_string()
}

/// A text with at most so many letters: what does not fit gives way to an ellipsis.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_the_seeds() {
        let time = DateTime::parse_from_rfc3339("2025-11-22T09:05:07.123Z").unwrap().to_utc();
        assert_eq!(iso_z(time), "2025-11-22T09:05:07Z");
        assert_eq!(iso_z_millis(time), "2025-11-22T09:05:07.123Z");
        assert_eq!(short_datetime(time), "Nov 22, 09:05 AM");
        assert_eq!(long_datetime(time), "Nov 22, 2025 9:05 AM");
    }

    #[test]
    fn what_fits_stays_whole_and_letters_are_never_cut() {
        for (text, short) in [("", ""), ("abcd", "abcd"), ("abcde", "abc…"), ("äöüßx", "äöü…")] {
            assert_eq!(shortened(text, 4), short);
        }
    }
}
