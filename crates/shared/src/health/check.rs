//! What a check found.

use serde_json::{Map, Value};

/// State of a check; the worst one is the state of the service.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Status {
    /// Could not be found out; does not count.
    Unknown,
    /// Fine.
    Healthy,
    /// Works, but not as it should.
    Degraded,
    /// Does not work.
    Unhealthy,
}

impl Status {
    /// The word in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Result of a check: the status and what else is worth knowing. The document is readable without a token on this
/// machine, so texts must not tell how things are configured.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    status: Status,
    ready: bool,
    fields: Map<String, Value>,
}

impl CheckResult {
    fn new(status: Status) -> Self {
        Self { status, ready: status != Status::Unhealthy, fields: Map::new() }
    }

    /// All is well.
    pub fn healthy() -> Self {
        Self::new(Status::Healthy)
    }

    /// It works somehow; add why with [`CheckResult::with`].
    pub fn degraded() -> Self {
        Self::new(Status::Degraded)
    }

    /// It does not work: `timeout`, `connection_refused` or another short text.
    pub fn unhealthy(error: impl Into<String>) -> Self {
        Self::new(Status::Unhealthy).with("error", error.into())
    }

    /// It could not be checked.
    pub fn unknown(error: impl Into<String>) -> Self {
        Self::new(Status::Unknown).with("error", error.into())
    }

    /// As long as there are other instances, they should get the requests: `/readyz` says no, whatever the status.
    #[must_use]
    pub fn not_ready(mut self) -> Self {
        self.ready = false;
        self
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    pub(super) fn to_json(&self) -> Value {
        let mut members = self.fields.clone();
        members.insert("status".into(), self.status.as_str().into());
        Value::Object(members)
    }
}

/// Two decimals, as all numbers of the document.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
