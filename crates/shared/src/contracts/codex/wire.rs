//! Formats shared by Codex's answers: times, vendor ids, display texts.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

pub use crate::pages::format::iso_z as iso;

/// Largest integer that every JSON reader keeps exactly (2^53).
const LARGEST_EXACT: i64 = 1 << 53;

/// An id of the vendor's system: 64 bits. A number in JSON, text where a number would lose digits (beyond 2^53).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PsaId(pub i64);

impl PartialSchema for PsaId {
    fn schema() -> RefOr<Schema> {
        let description = "An id of the vendor's system: 64 bits, written as text beyond 2^53.";
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Integer, Type::String]))
            .description(Some(description))
            .into()
    }
}

impl ToSchema for PsaId {}

impl std::fmt::Display for PsaId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<i64> for PsaId {
    fn from(id: i64) -> Self {
        Self(id)
    }
}

impl Serialize for PsaId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.unsigned_abs() <= LARGEST_EXACT.unsigned_abs() {
            serializer.serialize_i64(self.0)
        } else {
            serializer.collect_str(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for PsaId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(i64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(id) => Ok(Self(id)),
            Form::Text(text) => text.trim().parse().map(Self).map_err(de::Error::custom),
        }
    }
}

/// Reads the forms in which times are delivered: RFC 3339, or without an offset, then UTC, or a bare date. Anything else
/// is no time, and neither is a year that has not four digits: no clock shows it and no database takes it.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .ok()
        .or_else(|| {
            let spaced = |_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f");
            let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
            let time = text.parse::<NaiveDateTime>().or_else(spaced).ok();
            Some(time.or_else(date)?.and_utc())
        })
        .filter(|time| (1..=9999).contains(&time.year()))
}

/// serde form of a time: written like [`iso`], read like [`parse_time`].
pub mod time {
    use super::{DateTime, Deserialize, Deserializer, Serializer, Utc, de, iso, parse_time};

    /// Writes the time to the second.
    pub fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&iso(*time))
    }

    /// Reads text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_time(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is no time")))
    }
}

/// serde form of an optional time: written like [`iso`], read like [`parse_time`].
pub mod optional_time {
    use super::{DateTime, Deserialize, Deserializer, Serializer, Utc, iso, parse_time};

    /// Writes `null` or the time to the second.
    pub fn serialize<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_str(&iso(*time)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads text, `null` or nothing; text that is no time counts as none.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.as_deref().and_then(parse_time))
    }
}

/// Display name of a normalised status key: `waiting_customer` is `Waiting on Customer` (codex-api.md §6.2).
/// Unknown keys: underscores become spaces, words are capitalised.
pub fn status_text(key: &str) -> String {
    match key {
        "waiting_customer" => "Waiting on Customer".to_owned(),
        "waiting_third_party" => "Waiting on Third Party".to_owned(),
        "job_complete_bill" => "Job Complete - Bill".to_owned(),
        "billing_complete" => "Billing Complete - Close".to_owned(),
        other => title_case(other),
    }
}

/// Display name of a normalised priority key: `urgent` is `Urgent`.
pub fn priority_text(key: &str) -> String {
    title_case(key)
}

fn title_case(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    for (index, word) in key.split('_').enumerate() {
        if index > 0 {
            text.push(' ');
        }
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_an_offset_are_utc_and_nonsense_is_none() {
        for (text, expected) in [
            ("2025-11-22T09:00:00Z", Some("2025-11-22T09:00:00Z")),
            ("2026-11-20T16:51:17-05:00", Some("2026-11-20T21:51:17Z")),
            ("2026-11-22T03:51:32.974731+00:00", Some("2026-11-22T03:51:32Z")),
            ("2026-11-22T03:51:32", Some("2026-11-22T03:51:32Z")),
            ("2026-11-22 03:51:32.5", Some("2026-11-22T03:51:32Z")),
            ("2026-11-22", Some("2026-11-22T00:00:00Z")),
            (" 2026-11-22T03:51:32Z ", Some("2026-11-22T03:51:32Z")),
            ("0000-01-01T00:00:00Z", None),
            ("+262000-01-01T00:00:00", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(parse_time(text).map(iso).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_id_beyond_two_to_the_53_is_text() {
        for (id, json) in [
            (19_000_234_009, "19000234009"),
            (1 << 53, "9007199254740992"),
            ((1 << 53) + 1, "\"9007199254740993\""),
            (-1, "-1"),
        ] {
            assert_eq!(serde_json::to_string(&PsaId(id)).unwrap(), json);
            assert_eq!(serde_json::from_str::<PsaId>(json).unwrap(), PsaId(id));
        }
    }

    #[test]
    fn keys_are_displayed_by_name_or_in_title_case() {
        for (key, text) in [
            ("open", "Open"),
            ("waiting_customer", "Waiting on Customer"),
            ("under_investigation", "Under Investigation"),
            ("some_new_state", "Some New State"),
            ("", ""),
        ] {
            assert_eq!(status_text(key), text);
        }
    }
}
