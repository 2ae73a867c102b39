//! Log ingestion of Helm (helm.md §4.2).

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
}
