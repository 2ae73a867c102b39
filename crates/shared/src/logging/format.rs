//! The two forms of a line on standard error: JSON and text.

use std::fmt::Write as _;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::record::Record;
use crate::correlation;

/// The JSON line of platform.md §12, with a line feed at the end.
///
/// Fields named in `top_level` stand beside the others instead of in `extra`.
pub(super) fn json(record: &Record, service: &str, top_level: &[&str]) -> Vec<u8> {
    let mut line = serde_json::to_vec(&Line { record, service, top_level }).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Time, level in brackets, logger, message, then the values.
pub(super) fn text(record: &Record) -> Vec<u8> {
    let mut line = format!(
        "{} [{}] {}: {}",
        record.timestamp,
        record.level.name(),
        record.target,
        // A line feed in a message would look like a second, forged line.
        record.fields.message.replace(['\n', '\r'], " ")
    );
    if let Some(id) = &record.request.correlation_id {
        let _ = write!(line, " correlation_id={id}");
    }
    if let Some(user) = record.user() {
        let _ = write!(line, " user={}", user.replace(['\n', '\r'], " "));
    }
    for (name, value) in &record.fields.extra {
        let _ = write!(line, " {name}={value}");
    }
    line.push('\n');
    line.into_bytes()
}

struct Line<'a> {
    record: &'a Record,
    service: &'a str,
    top_level: &'a [&'a str],
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, service, top_level } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &record.timestamp)?;
        map.serialize_entry("level", record.level.name())?;
        map.serialize_entry("service", service)?;
        map.serialize_entry(
            "correlation_id",
            record.request.correlation_id.as_deref().unwrap_or(correlation::NONE),
        )?;
        if let Some(user) = record.user() {
            map.serialize_entry("user", user)?;
        }
        map.serialize_entry("message", &record.fields.message)?;
        let is_top_level = |name: &String| top_level.contains(&name.as_str());
        for (name, value) in record.fields.extra.iter().filter(|(name, _)| is_top_level(name)) {
            map.serialize_entry(name, value)?;
        }
        let extra = Extra { fields: &record.fields.extra, top_level };
        if extra.names().next().is_some() {
            map.serialize_entry("extra", &extra)?;
        }
        map.end()
    }
}

/// The extra values that do not stand at top level.
struct Extra<'a> {
    fields: &'a Map<String, Value>,
    top_level: &'a [&'a str],
}

impl<'a> Extra<'a> {
    fn names(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let top_level = self.top_level;
        self.fields.iter().filter(move |(name, _)| !top_level.contains(&name.as_str()))
    }
}

impl Serialize for Extra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names())
    }
}
