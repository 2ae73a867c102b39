//! The two forms of a line on standard error: JSON and text.

use std::fmt::Write as _;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::record::Record;
use crate::correlation;

/// Bytes of an access line.
const USUAL_LENGTH: usize = 512;

/// The JSON line of platform.md §12, with a line feed at the end.
///
/// Fields named in `top_level` stand beside the others instead of in `extra`.
pub(super) fn json(record: &Record, service: &str, top_level: &[&str]) -> Vec<u8> {
    let mut line = Vec::with_capacity(USUAL_LENGTH);
    if serde_json::to_writer(&mut line, &Line { record, service, top_level }).is_err() {
        line.clear();
    }
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
        let is_top_level = |name: &str| top_level.contains(&name);
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
    fields: &'a [(&'static str, Value)],
    top_level: &'a [&'a str],
}

impl<'a> Extra<'a> {
    fn names(&self) -> impl Iterator<Item = (&'static str, &'a Value)> {
        let top_level = self.top_level;
        let others = self.fields.iter().filter(move |(name, _)| !top_level.contains(name));
        others.map(|(name, value)| (*name, value))
    }
}

impl Serialize for Extra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names())
    }
}
