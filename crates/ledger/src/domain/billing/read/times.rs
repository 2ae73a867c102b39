//! Times of other programs.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use serde::Deserializer;

use super::{read, text_of_json};

/// Reads a time; nothing for one that cannot be read (rule 46).
pub(crate) fn stamp<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<FixedOffset>>, D::Error> {
    read(deserializer, |json| {
        let text = text_of_json(json).ok().flatten();
        Ok::<_, &str>(text.and_then(|text| time(&text)))
    })
}

/// The time a text names, in the offset it names. Without offset it is UTC (rule 46), without a time of day midnight.
pub fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time);
    }
    let spaced = text.replacen('T', " ", 1);
    for format in ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z"] {
        if let Ok(time) = DateTime::parse_from_str(&spaced, format) {
            return Some(time);
        }
    }
    let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&spaced, format).ok())
        .or_else(|| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.and_time(NaiveTime::MIN))
        })?;
    Some(naive.and_utc().fixed_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_programs_write() {
        for (text, expected) in [
            ("2025-06-12T08:00:00Z", Some("2025-06-12T08:00:00+00:00")),
            ("2025-06-01T01:00:00+02:00", Some("2025-06-01T01:00:00+02:00")),
            ("2025-06-30T23:59:59.500000+00:00", Some("2025-06-30T23:59:59.500+00:00")),
            ("2025-06-12 08:00:00+0200", Some("2025-06-12T08:00:00+02:00")),
            ("2025-06-12T08:00:00", Some("2025-06-12T08:00:00+00:00")),
            ("2025-06-12 08:00:00.25", Some("2025-06-12T08:00:00.250+00:00")),
            ("2025-06-12T08:00", Some("2025-06-12T08:00:00+00:00")),
            (" 2025-06-12 ", Some("2025-06-12T00:00:00+00:00")),
            ("2025-02-30", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(time(text).map(|time| time.to_rfc3339()).as_deref(), expected, "{text:?}");
        }
    }
}
