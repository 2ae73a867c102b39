//! Helm's central log: what is sent to it and what it answers (helm.md §4.2).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Body of `POST /api/logs/ingest` as our services send it.
#[derive(Clone, Debug, Serialize)]
pub struct LogBatch<'a> {
    /// Whose log it is; must be the calling service.
    pub service_name: &'a str,
    /// The entries, oldest first.
    pub logs: Vec<&'a LogEntry>,
}

/// One log entry under upstream's names, which every Helm reads.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct LogEntry {
    /// DEBUG, INFO, WARNING, ERROR or CRITICAL.
    pub level: String,
    /// The text.
    pub message: String,
    /// When it happened, ISO 8601 UTC.
    pub timestamp: String,
    /// Path, method and extra values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// Correlation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The acting user's e-mail, else subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Machine name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Process id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_id: Option<i32>,
    /// The run of the process that wrote it, a UUID; together with `seq` it names the entry for good, so that Helm keeps it
    /// once however often it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Place among the entries of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
}

/// One stored entry as Helm answers it, under the seed's names and upstream's.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LogObject {
    /// Rises with the order of storing.
    pub id: i64,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// Who wrote it.
    pub service: String,
    /// As `service`.
    pub service_name: String,
    /// DEBUG, INFO, WARNING, ERROR or CRITICAL.
    pub level: String,
    /// The text.
    pub message: String,
    /// The request it belongs to.
    pub correlation_id: Option<String>,
    /// As `correlation_id`.
    pub trace_id: Option<String>,
    /// Who acted.
    pub user_email: Option<String>,
    /// As `user_email`.
    pub user_id: Option<String>,
    /// Path, method and other values.
    pub extra_data: Option<Value>,
    /// As `extra_data`.
    pub context: Option<Value>,
    /// Machine of the writer.
    pub hostname: Option<String>,
    /// Process of the writer.
    pub process_id: Option<i32>,
}
