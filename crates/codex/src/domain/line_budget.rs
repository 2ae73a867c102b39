//! Log lines that strangers can cause: some of them a minute, and then how many there were.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Lines of one kind that may be written in a minute.
#[derive(Debug)]
pub struct LineBudget {
    most: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    began: DateTime<Utc>,
    written: u32,
    left_out: u64,
}

impl LineBudget {
    /// So many a minute.
    pub fn per_minute(most: u32) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// Whether a line may be written at `now`: then the number of those that were left out since the last one.
    pub fn take(&self, now: DateTime<Utc>) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Also when the clock was set back.
        if (now - state.began).abs() >= TimeDelta::minutes(1) {
            (state.began, state.written) = (now, 0);
        }
        if state.written >= self.most {
            state.left_out += 1;
            return None;
        }
        state.written += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_told_with_the_next_line() {
        let budget = LineBudget::per_minute(2);
        let start: DateTime<Utc> = "2025-11-22T10:30:00Z".parse().unwrap();
        for (second, told) in [
            (0, Some(0)),
            (1, Some(0)),
            (2, None),
            (59, None),
            (60, Some(2)),
            (61, Some(0)),
            (62, None),
            (-3600, Some(1)),
        ] {
            assert_eq!(budget.take(start + TimeDelta::seconds(second)), told, "{second}");
        }
    }
}
