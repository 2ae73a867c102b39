//! One log event: what it says and in which request it happened.

use std::{fmt, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};

use super::{level::Level, queue::Priority, redact};
use crate::contracts::helm::LogEntry;

/// What the span of a request knows; recorded by the server's middleware.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestFields {
    pub(super) correlation_id: Option<Arc<str>>,
    pub(super) user: Option<Arc<str>>,
    pub(super) path: Option<Arc<str>>,
    pub(super) method: Option<Arc<str>>,
}

impl RequestFields {
    fn set(&mut self, field: &Field, value: &str) {
        let slot = match field.name() {
            "correlation_id" => &mut self.correlation_id,
            "user" => &mut self.user,
            "path" => &mut self.path,
            "method" => &mut self.method,
            _ => return,
        };
        *slot = (!value.is_empty()).then(|| value.into());
    }
}

impl Visit for RequestFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, &format!("{value:?}"));
    }
}

/// The fields of an event: its message, its user where it names one, and everything else.
#[derive(Debug, Default)]
pub(super) struct EventFields {
    pub(super) message: String,
    pub(super) user: Option<String>,
    /// In the order of the event; names are unique.
    pub(super) extra: Vec<(&'static str, Value)>,
}

/// Room for the fields of an access line, the most frequent one.
const USUAL_FIELDS: usize = 6;

impl EventFields {
    pub(super) fn new() -> Self {
        Self { extra: Vec::with_capacity(USUAL_FIELDS), ..Self::default() }
    }

    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        // `log.*` is how lines of the `log` crate carry their origin.
        if name.starts_with("log.") {
            return;
        }
        let value = if redact::is_secret(name) { redact::hidden() } else { value };
        self.extra.push((name.trim_start_matches("r#"), value));
    }

    fn put_text(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = redact::text(value),
            "user" => self.user = Some(redact::text(value)),
            _ => self.put(field, Value::from(redact::text(value))),
        }
    }
}

impl Visit for EventFields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        self.put_text(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put_text(field, format!("{value:?}"));
    }
}

/// A complete log event.
#[derive(Debug)]
pub(super) struct Record {
    /// ISO 8601 in UTC with milliseconds, ending in `Z`.
    pub(super) timestamp: String,
    pub(super) level: Level,
    pub(super) target: &'static str,
    pub(super) fields: EventFields,
    pub(super) request: RequestFields,
    pub(super) priority: Priority,
}

impl Record {
    /// The form of [`Record::timestamp`].
    pub(super) fn timestamp_of(time: DateTime<Utc>) -> String {
        time.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The user the event names, else the one of the request.
    pub(super) fn user(&self) -> Option<&str> {
        self.fields.user.as_deref().or(self.request.user.as_deref())
    }

    /// The form that Helm takes (core.md §10): the context holds path, method and the extra values.
    pub(super) fn into_entry(self, hostname: Option<&str>, process_id: i32) -> LogEntry {
        let user_id = self.user().map(str::to_owned);
        let mut context: Map<String, Value> =
            self.fields.extra.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for (name, value) in [("path", &self.request.path), ("method", &self.request.method)] {
            if let Some(value) = value {
                context.entry(name).or_insert_with(|| Value::from(&**value));
            }
        }
        LogEntry {
            level: self.level.name().to_owned(),
            message: self.fields.message,
            timestamp: self.timestamp,
            context: (!context.is_empty()).then_some(Value::Object(context)),
            trace_id: self.request.correlation_id.map(|id| id.to_string()),
            user_id,
            hostname: hostname.map(str::to_owned),
            process_id: Some(process_id),
            source: None,
            seq: None,
        }
    }
}
