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

/// A moment: for machines, and in UTC until the browser's script writes it in the reader's zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Moment {
    /// ISO 8601.
    pub iso: String,
    /// For people.
    pub text: String,
}

impl Moment {
    /// Of a time.
    pub fn of(time: DateTime<Utc>) -> Self {
        Self { iso: iso_z(time), text: format!("{} UTC", long_datetime(time)) }
    }

    /// Of a time that may be missing.
    pub fn maybe(time: Option<DateTime<Utc>>) -> Option<Self> {
        time.map(Self::of)
    }
}

/// A text with a capital in front.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().to_string()).into_iter().collect::<String>()
        + letters.as_str()
}

/// The words of a key, each with a capital: `email_security`, split at `_`, is `Email Security`.
pub fn title_of(key: &str, separators: &[char]) -> String {
    let words = key.split(separators).filter(|word| !word.is_empty()).map(capitalised);
    words.collect::<Vec<_>>().join(" ")
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
    fn moments_are_for_machines_and_for_people() {
        let time = DateTime::parse_from_rfc3339("2025-11-22T09:05:07.123Z").unwrap().to_utc();
        let moment = Moment::of(time);
        assert_eq!(
            (moment.iso.as_str(), moment.text.as_str()),
            ("2025-11-22T09:05:07Z", "Nov 22, 2025 9:05 AM UTC")
        );
        assert_eq!(Moment::maybe(None), None);
    }

    #[test]
    fn words_of_a_key_get_capitals_and_empty_ones_are_left_out() {
        assert_eq!(title_of("email_security", &['_']), "Email Security");
        assert_eq!(title_of("_über__e-mail", &['_']), "Über E-mail");
        assert_eq!(title_of("asset-tracker", &['-', '_']), "Asset Tracker");
        assert_eq!(title_of("", &['_']), "");
    }

    #[test]
    fn what_fits_stays_whole_and_letters_are_never_cut() {
        for (text, short) in [("", ""), ("abcd", "abcd"), ("abcde", "abc…"), ("äöüßx", "äöü…")] {
            assert_eq!(shortened(text, 4), short);
        }
    }
}
