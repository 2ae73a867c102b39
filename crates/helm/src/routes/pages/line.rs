//! A log line as pages show it.

use hivematrix_shared::pages::format::iso_z_millis;

use crate::store::logs::{LogRow, SHORT_CORRELATION};

#[derive(Default)]
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

impl Line {
    /// A line in which nothing stands yet, with all its parts: the script copies it for what comes in.
    pub(super) fn blank() -> Self {
        let part = || "-".to_owned();
        Self { correlation_id: part(), user: part(), extra: Some(part()), ..Self::default() }
    }
}

impl From<LogRow> for Line {
    fn from(row: LogRow) -> Self {
        let correlation_id = row.correlation_id.unwrap_or_default();
        Self {
            id: row.id,
            time: row.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
            iso: iso_z_millis(row.timestamp),
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
