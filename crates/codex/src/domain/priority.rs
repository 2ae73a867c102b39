//! Ticket priorities and how long a ticket of each may go without an update (codex-api.md §5.1, §5.3).

use chrono::TimeDelta;

/// Key of a missing priority.
pub const UNKNOWN: &str = "unknown";

/// The key of the PSA's code.
pub const fn key(code: i32) -> &'static str {
    match code {
        1 => "low",
        2 => "medium",
        3 => "high",
        4 => "urgent",
        _ => UNKNOWN,
    }
}

/// An update is overdue when the last one is older than this; without a priority it never is.
pub fn update_threshold(key: Option<&str>) -> Option<TimeDelta> {
    Some(match key? {
        "urgent" => TimeDelta::minutes(30),
        "high" => TimeDelta::days(2),
        "low" => TimeDelta::days(4),
        _ => TimeDelta::days(3),
    })
}
