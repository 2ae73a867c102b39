//! Ticket priorities and how long a ticket of each may go without an update (codex-api.md §5.1, §5.3).

use chrono::TimeDelta;

/// Key of a missing priority.
pub const UNKNOWN: &str = "unknown";

/// The PSA's code of the most pressing priority.
pub const URGENT_ID: i32 = 4;

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

/// The code of the name that people read or a vendor uses; case does not matter (codex-api.md §13.3).
pub fn code_of_text(text: &str) -> Option<i32> {
    Some(match text.trim().to_lowercase().as_str() {
        "very low" | "low" => 1,
        "medium" => 2,
        "high" => 3,
        "critical" | "urgent" => 4,
        _ => return None,
    })
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
