//! A log line as pages show it.

use crate::store::logs::{LogRow, SHORT_CORRELATION};

pub(super) struct Line {
    pub id: i64,
    pub time: String,
    pub iso: String,
    pub service: String,
    pub level: String,
    pub message: String,
    pub correlation_id: String,
    pub correlation_short: String,
    pub user: String,
    pub extra: Option<String>,
}

impl From<LogRow> for Line {
    fn from(row: LogRow) -> Self {
        let correlation_id = row.correlation_id.unwrap_or_default();
        Self {
            id: row.id,
            time: row.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
            iso: row.timestamp.to_rfc3339(),
            service: row.service,
            level: row.level,
            message: row.message,
            correlation_short: correlation_id.chars().take(SHORT_CORRELATION).collect(),
            correlation_id,
            user: row.user_email.unwrap_or_default(),
            extra: row.extra_data.and_then(|extra| serde_json::to_string_pretty(&extra).ok()),
        }
    }
}
