//! What a log line must look like to be stored (helm.md §4.2, §5.1). Seed and upstream names are both accepted; where
//! both are present the seed's wins.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Longest message kept, in characters.
pub const MAX_MESSAGE: usize = 10_000;
/// Most entries of one batch.
pub const MAX_BATCH: usize = 10_000;
/// As far ahead of this machine's clock that of a writer may be. What claims to come from later would stand on top of every page
/// and never grow old: it counts from when it came.
const FARTHEST: TimeDelta = TimeDelta::days(1);
const MAX_CORRELATION: usize = 100;
const MAX_USER: usize = 255;
const MAX_HOSTNAME: usize = 255;

/// The five levels.
pub const LEVELS: [&str; 5] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// A valid log line, ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLogEntry {
    /// Who wrote it: the `calling_service` of the token.
    pub service: String,
    /// One of [`LEVELS`].
    pub level: &'static str,
    /// At most [`MAX_MESSAGE`] characters.
    pub message: String,
    /// Event time.
    pub timestamp: DateTime<Utc>,
    /// At most 100 characters.
    pub correlation_id: Option<String>,
    /// At most 255 characters.
    pub user_email: Option<String>,
    /// Any JSON.
    pub extra_data: Option<Value>,
    /// At most 255 characters.
    pub hostname: Option<String>,
    /// Process id of the writer.
    pub process_id: Option<i32>,
    /// What names the entry for good, of writers that number theirs: it is stored once.
    pub number: Option<Number>,
}

/// The run of a process that wrote an entry, and the entry's place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// Made anew at each start.
    pub source: Uuid,
    /// Rises by entry.
    pub seq: i64,
}

/// Why an entry is refused, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Checks one entry of either form. `now` stands in for a missing timestamp.
///
/// # Errors
/// [`Refused`] names the field and what is wrong with it.
pub fn validate(service: &str, entry: &Value, now: DateTime<Utc>) -> Result<NewLogEntry, Refused> {
    let Value::Object(fields) = entry else {
        return Err(Refused("entry must be an object".into()));
    };
    let reported = match text(fields, &["timestamp"], usize::MAX)? {
        Some(given) => {
            parse_time(&given).ok_or_else(|| Refused("timestamp is not an ISO 8601 time".into()))?
        }
        None => now,
    };
    let extra_data = first(fields, &["extra_data", "context"]).map(|(_, value)| without_nul(value.clone()));
    let is_odd = reported > now + FARTHEST;
    Ok(NewLogEntry {
        service: service.to_owned(),
        level: level(fields)?,
        message: message(fields)?,
        timestamp: if is_odd { now } else { reported },
        correlation_id: text(fields, &["correlation_id", "trace_id"], MAX_CORRELATION)?,
        user_email: text(fields, &["user_email", "user_id"], MAX_USER)?,
        extra_data: if is_odd { Some(with_reported(extra_data, reported)) } else { extra_data },
        hostname: text(fields, &["hostname"], MAX_HOSTNAME)?,
        process_id: process_id(fields)?,
        number: number(fields),
    })
}

/// The values of an entry with the time that it claims to have.
fn with_reported(extra_data: Option<Value>, reported: DateTime<Utc>) -> Value {
    let mut values = match extra_data {
        Some(Value::Object(values)) => values,
        Some(other) => Map::from_iter([("value".to_owned(), other)]),
        None => Map::new(),
    };
    values.insert("reported_timestamp".to_owned(), Value::from(reported.to_rfc3339()));
    Value::Object(values)
}

/// The stored form of a level: upper case; an unknown word is `INFO`.
#[must_use]
pub fn normal_level(given: &str) -> &'static str {
    known_level(given).unwrap_or("INFO")
}

/// The stored form of a level; `None` for a word that is none.
#[must_use]
pub fn known_level(given: &str) -> Option<&'static str> {
    let upper = given.trim().to_ascii_uppercase();
    match upper.as_str() {
        "WARN" => Some("WARNING"),
        "FATAL" => Some("CRITICAL"),
        other => LEVELS.into_iter().find(|level| *level == other),
    }
}

/// An ISO 8601 time; without a zone it is UTC, a date alone is its midnight. Years have four digits: PostgreSQL cannot
/// store all that chrono reads.
#[must_use]
pub fn parse_time(given: &str) -> Option<DateTime<Utc>> {
    read_time(given.trim()).filter(|time| (1..=9999).contains(&time.year()))
}

fn read_time(given: &str) -> Option<DateTime<Utc>> {
    if let Ok(zoned) = DateTime::parse_from_rfc3339(given) {
        return Some(zoned.with_timezone(&Utc));
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(naive) = NaiveDateTime::parse_from_str(given, format) {
            return Some(naive.and_utc());
        }
    }
    let date = NaiveDate::parse_from_str(given, "%Y-%m-%d").ok()?;
    Some(date.and_time(NaiveTime::MIN).and_utc())
}

/// Whether a service name has the form `^[a-z0-9_-]{1,50}$`.
#[must_use]
pub fn is_service_name(name: &str) -> bool {
    (1..=50).contains(&name.len())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// The first member that is present and not null.
fn first<'a>(fields: &'a Map<String, Value>, names: &[&'static str]) -> Option<(&'static str, &'a Value)> {
    names.iter().find_map(|name| fields.get(*name).filter(|v| !v.is_null()).map(|value| (*name, value)))
}

fn text(fields: &Map<String, Value>, names: &[&'static str], max: usize) -> Result<Option<String>, Refused> {
    match first(fields, names) {
        None => Ok(None),
        Some((name, Value::String(value))) if value.chars().count() > max => {
            Err(Refused(format!("{name} is longer than {max} characters")))
        }
        Some((_, Value::String(value))) => Ok(Some(value.replace('\0', "\u{fffd}"))),
        Some((name, _)) => Err(Refused(format!("{name} must be a string"))),
    }
}

fn level(fields: &Map<String, Value>) -> Result<&'static str, Refused> {
    Ok(text(fields, &["level"], usize::MAX)?.map_or("INFO", |given| normal_level(&given)))
}

fn message(fields: &Map<String, Value>) -> Result<String, Refused> {
    match fields.get("message") {
        None => Ok(String::new()),
        Some(Value::String(given)) => {
            Ok(given.chars().take(MAX_MESSAGE).collect::<String>().replace('\0', "\u{fffd}"))
        }
        Some(_) => Err(Refused("message must be a string".into())),
    }
}

fn process_id(fields: &Map<String, Value>) -> Result<Option<i32>, Refused> {
    match first(fields, &["process_id"]) {
        None => Ok(None),
        Some((_, value)) => value
            .as_i64()
            .and_then(|n| i32::try_from(n).ok())
            .map(Some)
            .ok_or_else(|| Refused("process_id must be an integer".into())),
    }
}

/// What is no number of ours means something else to its writer, and nothing here.
fn number(fields: &Map<String, Value>) -> Option<Number> {
    let source = Uuid::parse_str(fields.get("source")?.as_str()?).ok()?;
    Some(Number { source, seq: fields.get("seq")?.as_i64()? })
}

/// PostgreSQL cannot store U+0000; it is replaced, not refused.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(s) if s.contains('\0') => Value::String(s.replace('\0', "\u{fffd}")),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(members) => Value::Object(
            members.into_iter().map(|(k, v)| (k.replace('\0', "\u{fffd}"), without_nul(v))).collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2025, 11, 22, 10, 30, 0).unwrap()
    }

    #[test]
    fn the_seed_names_win_over_upstreams() {
        let entry = json!({
            "level": "warn", "message": "m", "timestamp": "2025-11-22T09:15:00.5+01:00",
            "correlation_id": "seed", "trace_id": "upstream",
            "user_email": "a@x", "user_id": "u1",
            "extra_data": {"a": 1}, "context": {"b": 2}, "hostname": "h", "process_id": 5
        });
        let stored = validate("codex", &entry, now()).unwrap();
        assert_eq!(stored.level, "WARNING");
        assert_eq!(stored.timestamp.to_rfc3339(), "2025-11-22T08:15:00.500+00:00");
        assert_eq!(stored.correlation_id.as_deref(), Some("seed"));
        assert_eq!(stored.user_email.as_deref(), Some("a@x"));
        assert_eq!(stored.extra_data, Some(json!({"a": 1})));
        assert_eq!((stored.hostname.as_deref(), stored.process_id), (Some("h"), Some(5)));
    }

    #[test]
    fn upstreams_names_are_accepted_and_null_means_absent() {
        let entry = json!({
            "level": "info", "message": "m", "timestamp": "2025-11-22T03:00:00.123456",
            "correlation_id": null, "trace_id": "t", "user_id": "u1", "context": {"path": "/x"}
        });
        let stored = validate("codex", &entry, now()).unwrap();
        assert_eq!(stored.timestamp.to_rfc3339(), "2025-11-22T03:00:00.123456+00:00");
        assert_eq!(stored.correlation_id.as_deref(), Some("t"));
        assert_eq!(stored.user_email.as_deref(), Some("u1"));
        assert_eq!(stored.extra_data, Some(json!({"path": "/x"})));
    }

    #[test]
    fn missing_members_take_their_defaults() {
        let stored = validate("codex", &json!({"level": "LOUD", "x": 1}), now()).unwrap();
        assert_eq!((stored.level, stored.message.as_str(), stored.timestamp), ("INFO", "", now()));
    }

    #[test]
    fn a_bad_member_refuses_the_entry_by_name() {
        let table = [
            (json!("x"), "entry must be an object"),
            (json!({"message": null}), "message must be a string"),
            (json!({"message": 5}), "message must be a string"),
            (json!({"level": 3}), "level must be a string"),
            (json!({"timestamp": "soon"}), "timestamp is not an ISO 8601 time"),
            (json!({"trace_id": "x".repeat(101)}), "trace_id is longer than 100 characters"),
            (json!({"correlation_id": 7}), "correlation_id must be a string"),
            (json!({"user_email": "x".repeat(256)}), "user_email is longer than 255 characters"),
            (json!({"hostname": "x".repeat(256)}), "hostname is longer than 255 characters"),
            (json!({"process_id": "5"}), "process_id must be an integer"),
            (json!({"process_id": 3_000_000_000_i64}), "process_id must be an integer"),
        ];
        for (entry, error) in table {
            assert_eq!(validate("codex", &entry, now()), Err(Refused(error.into())), "{entry}");
        }
    }

    #[test]
    fn what_claims_to_come_from_the_future_counts_from_when_it_came() {
        let stored = |time: &str, context: Value| {
            let entry = json!({"message": "m", "timestamp": time, "context": context});
            let stored = validate("codex", &entry, now()).unwrap();
            (stored.timestamp, stored.extra_data)
        };
        let tomorrow = now() + FARTHEST;
        assert_eq!(stored("2025-11-23T10:30:00Z", json!({"a": 1})), (tomorrow, Some(json!({"a": 1}))));
        let reported = "9999-12-31T00:00:00+00:00";
        for (context, values) in [
            (json!({"a": 1}), json!({"a": 1, "reported_timestamp": reported})),
            (json!(null), json!({"reported_timestamp": reported})),
            (json!([1]), json!({"value": [1], "reported_timestamp": reported})),
        ] {
            assert_eq!(stored("9999-12-31", context), (now(), Some(values)));
        }
        assert_eq!(stored("2025-11-23T10:30:01Z", json!(null)).0, now());
    }

    #[test]
    fn a_long_message_is_cut_and_nul_is_replaced() {
        let entry = json!({"message": "é".repeat(10_001), "context": {"a\u{0}": ["b\u{0}"]}});
        let stored = validate("codex", &entry, now()).unwrap();
        assert_eq!(stored.message.chars().count(), MAX_MESSAGE);
        assert_eq!(stored.extra_data, Some(json!({"a\u{fffd}": ["b\u{fffd}"]})));
    }

    #[test]
    fn a_number_is_a_run_and_a_place_and_anything_else_is_none() {
        let run = "0b9d2a52-31a7-4a2e-9a75-0f4c8f1d2b3c";
        let read = |entry: Value| validate("codex", &entry, now()).unwrap().number;
        let number = read(json!({"source": run, "seq": 7})).unwrap();
        assert_eq!((number.source.to_string().as_str(), number.seq), (run, 7));
        for entry in [
            json!({"source": run}),
            json!({"seq": 7}),
            json!({"source": "stdout", "seq": 7}),
            json!({"source": run, "seq": "7"}),
            json!({"source": 5, "seq": 7}),
        ] {
            assert_eq!(read(entry.clone()), None, "{entry}");
        }
    }

    #[test]
    fn service_names_have_one_form() {
        let long = "x".repeat(51);
        let table = [
            ("codex", true),
            ("a_b-9", true),
            ("", false),
            ("Co dex", false),
            ("Codex", false),
            (&long, false),
        ];
        for (name, valid) in table {
            assert_eq!(is_service_name(name), valid, "{name}");
        }
    }

    #[test]
    fn times_may_lack_zone_seconds_or_clock() {
        let table = [
            ("2025-11-22T10:30:00Z", Some("2025-11-22T10:30:00+00:00")),
            ("2025-11-22 10:30:00.25", Some("2025-11-22T10:30:00.250+00:00")),
            ("2025-11-22T10:30", Some("2025-11-22T10:30:00+00:00")),
            ("2025-11-22", Some("2025-11-22T00:00:00+00:00")),
            ("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59+00:00")),
            ("+12345-01-01T00:00:00", None),
            ("-4800-01-01", None),
            ("soon", None),
            ("", None),
        ];
        for (given, expected) in table {
            assert_eq!(parse_time(given).map(|t| t.to_rfc3339()).as_deref(), expected, "{given}");
        }
    }
}
