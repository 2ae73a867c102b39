//! What the simulator was asked, for tests that count.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// How many requests are remembered one by one.
const KEEP: usize = 5_000;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestLine {
    /// When.
    pub at: DateTime<Utc>,
    /// Method.
    pub method: String,
    /// Path below `/api/v2`.
    pub path: String,
    /// Query, not decoded.
    pub query: String,
    /// Answer.
    pub status: u16,
    /// Credits it cost.
    pub credits: u32,
}

/// Sums since the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RequestCounts {
    /// All requests.
    pub total: u64,
    /// By method and route, like `GET /tickets/{id}`.
    pub by_route: BTreeMap<String, u64>,
    /// By status code.
    pub by_status: BTreeMap<u16, u64>,
}

/// Sums and the newest requests.
#[derive(Debug, Default)]
pub struct RequestLog {
    /// Sums.
    pub counts: RequestCounts,
    /// The newest requests, oldest first.
    pub lines: VecDeque<RequestLine>,
}

impl RequestLog {
    /// Adds one request.
    pub fn add(&mut self, route: &str, line: RequestLine) {
        self.counts.total += 1;
        *self.counts.by_route.entry(format!("{} {route}", line.method)).or_default() += 1;
        *self.counts.by_status.entry(line.status).or_default() += 1;
        if self.lines.len() == KEEP {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// The route of a path below `/api/v2`: numbers become `{id}`.
pub fn route_of(path: &str) -> String {
    let is_id = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    path.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_path_are_ids() {
        for (path, route) in [
            ("/tickets", "/tickets"),
            ("/tickets/42001", "/tickets/{id}"),
            ("/tickets/42001/time_entries", "/tickets/{id}/time_entries"),
            ("/agents/me", "/agents/me"),
        ] {
            assert_eq!(route_of(path), route);
        }
    }
}
