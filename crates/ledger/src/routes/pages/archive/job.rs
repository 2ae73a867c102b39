//! A job in the history of the archive.

use chrono::TimeDelta;
use serde_json::Value;
use uuid::Uuid;

use super::super::parts::{self, Moment};
use crate::store::jobs::JobRow;

/// Failures that are told one by one.
const FAILURES: usize = 20;

/// A job.
pub struct JobView {
    pub id: Uuid,
    pub started: Moment,
    /// How long it took; empty while it runs.
    pub took: String,
    pub what: String,
    /// `YYYY-MM`.
    pub month: String,
    pub year: i32,
    /// Of the month.
    pub number: i32,
    pub by: String,
    /// Class and word.
    pub state: (&'static str, &'static str),
    pub is_running: bool,
    pub progress: String,
    pub failures: Vec<String>,
    /// What should be looked at, of bills that were archived.
    pub warnings: Vec<String>,
    /// Failures and warnings that are not among them.
    pub more: usize,
    /// Whether companies of it failed, which can be tried again.
    pub can_repeat: bool,
}

impl JobView {
    /// Of a row.
    pub fn of(row: JobRow) -> Self {
        let output: Value =
            row.output.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let failed = output["failed_count"].as_i64().unwrap_or(row.failed_companies.into());
        let errors: Vec<&str> =
            output["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut failures: Vec<String> = row.error.into_iter().collect();
        failures.extend(errors.iter().take(FAILURES).map(|text| (*text).to_owned()));
        let told: Vec<&str> =
            output["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let is_running = row.status == "running";
        let state = match (row.status.as_str(), failed) {
            ("running", _) => ("badge badge--info", "Running"),
            ("failed", _) => ("badge badge--danger", "Failed"),
            (_, 0) => ("badge badge--success", "Completed"),
            _ => ("badge badge--warning", "Completed with failures"),
        };
        let whose = if row.target_account_numbers.is_some() { "chosen companies" } else { "all companies" };
        Self {
            id: row.id,
            started: Moment::of(row.started_at),
            took: row.completed_at.map(|ended| duration(ended - row.started_at)).unwrap_or_default(),
            what: format!("{}, {whose}", parts::title_of(&row.job_type)),
            month: format!("{:04}-{:02}", row.target_year, row.target_month),
            year: row.target_year,
            number: row.target_month,
            by: row.triggered_by.unwrap_or_default(),
            state,
            is_running,
            progress: match (is_running, output["success_count"].as_i64()) {
                (true, _) | (_, None) => format!("{} of {}", row.completed_companies, row.total_companies),
                (_, Some(success)) => {
                    let already = output["already_archived_count"].as_i64().unwrap_or_default();
                    format!("{} archived, {already} already there, {failed} failed", success - already)
                }
            },
            failures,
            warnings: told.iter().take(FAILURES).map(|text| (*text).to_owned()).collect(),
            more: errors.len().saturating_sub(FAILURES) + told.len().saturating_sub(FAILURES),
            can_repeat: !is_running && failed > 0,
        }
    }
}

/// `2 h 5 min`, `3 min 20 s`, `14 s`.
fn duration(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, expected) in [(-1, "0 s"), (14, "14 s"), (200, "3 min 20 s"), (7_545, "2 h 5 min")] {
            assert_eq!(duration(TimeDelta::seconds(seconds)), expected);
        }
    }
}
