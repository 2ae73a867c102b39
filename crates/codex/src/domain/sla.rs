//! The clock of a ticket's first response (codex-api.md §5.3).

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::contracts::codex::SlaColor;

/// Less than this is left: critical.
const CRITICAL: TimeDelta = TimeDelta::hours(4);
/// Less than this is left: warning.
const WARNING: TimeDelta = TimeDelta::hours(24);

/// The ticket type whose clock runs towards `due_by`; all others run towards `fr_due_by`.
pub const SERVICE_REQUEST: &str = "Service Request";

/// What a ticket's clock says. It runs only until the first response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Clock {
    /// The first response was given.
    Answered,
    /// Still to be answered, but without a due time.
    NoTarget,
    /// Time left until the due time; negative when it has passed.
    Running(TimeDelta),
}

/// How a running clock is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Urgency {
    /// The due time has passed.
    Breached,
    /// Less than four hours.
    Critical,
    /// Less than a day.
    Warning,
    /// A day or more.
    Safe,
}

impl Clock {
    /// Reads the clock at `now`.
    pub fn read(
        target: Option<DateTime<Utc>>,
        first_responded_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Self {
        match (first_responded_at, target) {
            (Some(_), _) => Self::Answered,
            (None, None) => Self::NoTarget,
            (None, Some(target)) => Self::Running(target - now),
        }
    }

    /// The judgement; none unless the clock runs.
    pub fn urgency(self) -> Option<Urgency> {
        let Self::Running(left) = self else { return None };
        Some(if left < TimeDelta::zero() {
            Urgency::Breached
        } else if left < CRITICAL {
            Urgency::Critical
        } else if left < WARNING {
            Urgency::Warning
        } else {
            Urgency::Safe
        })
    }
}

impl Urgency {
    /// Its colour on the board.
    pub const fn color(self) -> SlaColor {
        match self {
            Self::Breached => SlaColor::Red,
            Self::Critical => SlaColor::Orange,
            Self::Warning => SlaColor::Yellow,
            Self::Safe => SlaColor::Green,
        }
    }

    /// Its class in the shared stylesheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Breached => "sla-overdue",
            Self::Critical => "sla-critical",
            Self::Warning => "sla-warning",
            Self::Safe => "sla-normal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_clock_is_judged_by_the_time_left() {
        let now: DateTime<Utc> = "2025-11-22T10:30:00Z".parse().unwrap();
        for (minutes, urgency) in [
            (-1, Urgency::Breached),
            (0, Urgency::Critical),
            (4 * 60 - 1, Urgency::Critical),
            (4 * 60, Urgency::Warning),
            (24 * 60 - 1, Urgency::Warning),
            (24 * 60, Urgency::Safe),
        ] {
            let target = Some(now + TimeDelta::minutes(minutes));
            assert_eq!(Clock::read(target, None, now).urgency(), Some(urgency), "{minutes}");
            assert_eq!(Clock::read(target, Some(now), now).urgency(), None);
        }
        assert_eq!(Clock::read(None, None, now), Clock::NoTarget);
    }
}
