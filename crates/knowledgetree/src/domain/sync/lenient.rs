//! Reads members of Codex's answers whatever type they have: upstream's columns hold what the vendor sent. What
//! cannot be read counts as missing, and so does `null`.

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::wire;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// Text, or a number or a truth value as text; empty text is none.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text_of(Value::deserialize(deserializer)?))
}

fn text_of(value: Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(is_true) => is_true.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A truth value, also as a number or a word.
pub(super) fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match text_of(Value::deserialize(deserializer)?).map(|text| text.to_ascii_lowercase()).as_deref() {
        Some("true" | "1" | "yes" | "t") => Some(true),
        Some("false" | "0" | "no" | "f") => Some(false),
        _ => None,
    })
}

/// A decimal number, also as text.
pub(super) fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let text = text_of(Value::deserialize(deserializer)?);
    Ok(text.and_then(|text| text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())))
}

/// A time; one that cannot be read stays as the text it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Moment {
    /// A time.
    At(DateTime<Utc>),
    /// What stands there instead.
    Text(String),
}

pub(super) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Moment>, D::Error> {
    let text = text_of(Value::deserialize(deserializer)?);
    Ok(text.map(|text| wire::parse_time(&text).map_or(Moment::Text(text), Moment::At)))
}

/// A list, also as the text of one; members that cannot be read are left out.
pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let value = match Value::deserialize(deserializer)? {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
        value => value,
    };
    let Value::Array(members) = value else { return Ok(Vec::new()) };
    Ok(members.into_iter().filter_map(|member| serde_json::from_value(member).ok()).collect())
}

/// As [`list`], but none when there is no such member at all: not asked for.
pub(super) fn optional_list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    list(deserializer).map(Some)
}
