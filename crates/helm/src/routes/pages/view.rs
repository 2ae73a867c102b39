//! Words and colours that pages of services share.

use chrono::{DateTime, Utc};

use crate::domain::status::{Health, Phase};

/// What stands where nothing is known.
pub(super) const DASH: &str = "–";

/// A value in words, or a dash.
pub(super) fn or_dash<T>(value: Option<T>, words: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| DASH.into(), words)
}

/// The colour of a state, as the design system names it.
pub(super) fn state_class(state: Phase) -> &'static str {
    match state {
        Phase::Running => "success",
        Phase::Starting | Phase::Waiting | Phase::Stopping => "warning",
        Phase::Stopped | Phase::Backoff => "danger",
    }
}

/// The colour of a health.
pub(super) fn health_class(health: Health) -> &'static str {
    match health {
        Health::Healthy => "success",
        Health::Degraded => "warning",
        Health::Unhealthy | Health::Unreachable => "danger",
        Health::Unknown => "info",
    }
}

/// `Nov 22, 2025 09:15 AM`: the contract's form of a start.
pub(super) fn started(at: DateTime<Utc>) -> String {
    at.format("%b %d, %Y %I:%M %p").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_written_as_the_contract_says() {
        let at = "2025-11-02T21:05:07Z".parse().unwrap();
        assert_eq!(started(at), "Nov 02, 2025 09:05 PM");
    }
}
