//! Upstream's column values, read as text, in the types of ours.

use hivematrix_shared::contracts::codex::wire::{iso, parse_time};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::domain::{asset::MOST_BACKUP_TB, contract::canonical_term};

/// What a column holds here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Text as it is.
    Text,
    /// Text of which an empty one means none.
    Word,
    /// A whole number.
    Int,
    /// A decimal number.
    Number,
    /// Terabytes of a backup.
    Backup,
    /// A truth value.
    Bool,
    /// A moment; one without a zone is UTC.
    Time,
    /// A JSON array that came as text.
    Array,
    /// Any JSON.
    Json,
    /// A term of a contract, in its one spelling.
    Term,
    /// One of the levels of compliance.
    Level,
}

/// The value for the database, or why there is none.
///
/// # Errors
/// What is wrong with the text.
pub fn convert(kind: Kind, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() && kind != Kind::Text {
        return Ok(Value::Null);
    }
    match kind {
        Kind::Text => Ok(text.into()),
        Kind::Word => Ok(trimmed.into()),
        Kind::Int => int(trimmed).map(Value::from).ok_or_else(|| wrong("a whole number", trimmed)),
        Kind::Number => number(trimmed)
            .map(|number| Value::from(number.to_string()))
            .ok_or_else(|| wrong("a number", trimmed)),
        Kind::Backup => number(trimmed)
            .filter(|size| (Decimal::ZERO..=Decimal::from(MOST_BACKUP_TB)).contains(size))
            .map(|size| Value::from(size.to_string()))
            .ok_or_else(|| wrong("a number of terabytes that a backup can have", trimmed)),
        Kind::Bool => flag(trimmed).map(Value::from).ok_or_else(|| wrong("a truth value", trimmed)),
        Kind::Time => time(trimmed).map(Value::from).ok_or_else(|| wrong("a time", trimmed)),
        Kind::Array => match json(trimmed)? {
            Value::Null => Ok(Value::Null),
            array @ Value::Array(_) => Ok(array),
            _ => Err(wrong("a JSON array", trimmed)),
        },
        Kind::Json => json(trimmed),
        Kind::Term => Ok(canonical_term(trimmed).map_or(Value::Null, Value::from)),
        Kind::Level => Ok(trimmed.to_lowercase().into()),
    }
}

fn wrong(expected: &str, text: &str) -> String {
    let shown: String = text.chars().take(60).collect();
    format!("'{shown}' is not {expected}")
}

/// Also `123.0`, as a column that was once a float has it.
fn int(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    whole.parse().ok().filter(|_| fraction.bytes().all(|digit| digit == b'0'))
}

fn number(text: &str) -> Option<Decimal> {
    text.parse().or_else(|_| Decimal::from_scientific(text)).ok()
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "on" => Some(true),
        "false" | "f" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Also PostgreSQL's own text of a time, `2025-11-22 09:00:00.5+00`.
fn time(text: &str) -> Option<String> {
    let short_offset =
        text.len() > 3 && matches!(text.as_bytes()[text.len() - 3], b'+' | b'-') && text.contains(':');
    let long = if short_offset { format!("{text}:00") } else { text.to_owned() };
    let spaced = long.replacen(' ', "T", 1);
    let found = parse_time(&long).or_else(|| parse_time(&spaced))?;
    // What has a fraction keeps it.
    Some(if found.timestamp_subsec_nanos() == 0 { iso(found) } else { found.to_rfc3339() })
}

/// JSON without the one character that the database cannot hold.
fn json(text: &str) -> Result<Value, String> {
    let value = serde_json::from_str(text).map_err(|error| format!("unreadable JSON: {error}"))?;
    Ok(without_nul(value))
}

fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('\0', "").into(),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name.replace('\0', ""), without_nul(value))).collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn upstreams_texts_become_values() {
        for (kind, text, value) in [
            (Kind::Text, " as it is ", json!(" as it is ")),
            (Kind::Text, "", json!("")),
            (Kind::Word, " x ", json!("x")),
            (Kind::Word, " ", json!(null)),
            (Kind::Int, "19000111111", json!(19_000_111_111_i64)),
            (Kind::Int, "5.0", json!(5)),
            (Kind::Number, "0.10", json!("0.10")),
            (Kind::Number, "7.333333333333333", json!("7.333333333333333")),
            (Kind::Number, "1e-05", json!("0.00001")),
            (Kind::Backup, "0.50", json!("0.50")),
            (Kind::Backup, "1048576", json!("1048576")),
            (Kind::Bool, "true", json!(true)),
            (Kind::Bool, "0", json!(false)),
            (Kind::Time, "2025-11-22T09:00:00Z", json!("2025-11-22T09:00:00Z")),
            (Kind::Time, "2025-11-22T09:00:00.250000+00:00", json!("2025-11-22T09:00:00.250+00:00")),
            (Kind::Time, "2025-11-22T04:00:00-05:00", json!("2025-11-22T09:00:00Z")),
            (Kind::Time, "2025-11-22T09:00:00", json!("2025-11-22T09:00:00Z")),
            (Kind::Time, "2025-11-22 09:00:00.5", json!("2025-11-22T09:00:00.500+00:00")),
            (Kind::Time, "2025-11-22 09:00:00+00", json!("2025-11-22T09:00:00Z")),
            (Kind::Time, "2025-11-22", json!("2025-11-22T00:00:00Z")),
            (Kind::Array, "[\"a\", \"b\\u0000\"]", json!(["a", "b"])),
            (Kind::Array, "null", json!(null)),
            (Kind::Json, "{\"a\": 1}", json!({"a": 1})),
            (Kind::Term, "1-year", json!("1 Year")),
            (Kind::Term, "month-to-month", json!("Month to Month")),
            (Kind::Level, "HIPAA", json!("hipaa")),
        ] {
            assert_eq!(convert(kind, text), Ok(value), "{kind:?} {text}");
        }
        for (kind, text) in [
            (Kind::Int, "12a"),
            (Kind::Int, "1.5"),
            (Kind::Int, "99999999999999999999"),
            (Kind::Number, "NaN"),
            (Kind::Backup, "9999999999"),
            (Kind::Backup, "-0.5"),
            (Kind::Backup, "much"),
            (Kind::Bool, "maybe"),
            (Kind::Time, "yesterday"),
            (Kind::Time, "22/11/2025"),
            (Kind::Time, "0000-00-00T00:00:00Z"),
            (Kind::Array, "{\"a\": 1}"),
            (Kind::Array, "a.example, b.example"),
            (Kind::Json, "{"),
        ] {
            assert!(convert(kind, text).is_err(), "{kind:?} {text}");
        }
    }
}
