//! The vendor's JSON: which members an object has and what they are called.

pub mod master;
pub mod ticket;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

/// A time in the vendor's form: whole seconds, `Z`.
pub fn time(at: DateTime<Utc>) -> Value {
    Value::String(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The same, or null.
pub fn time_or_null(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, time)
}
