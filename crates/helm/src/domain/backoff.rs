//! How long a crashed service waits before it is started again.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer than this.
const LONGEST: Duration = Duration::from_secs(30);
/// A process that lived this long is taken for healthy: the next crash starts with the first wait again.
pub const STABLE_AFTER: Duration = Duration::from_secs(60);

/// The wait before restart number `failures` (1 = the first crash): it doubles from half a second up to 30 s.
#[must_use]
pub fn delay(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

/// The number of failures in a row after a process that lived for `lived` has ended.
#[must_use]
pub fn failures_after(previous: u32, lived: Duration) -> u32 {
    if lived >= STABLE_AFTER { 1 } else { previous.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_and_stays_below_half_a_minute() {
        let table = [(1, 500), (2, 1000), (3, 2000), (4, 4000), (6, 16_000), (7, 30_000), (1000, 30_000)];
        for (failures, millis) in table {
            assert_eq!(delay(failures), Duration::from_millis(millis), "after {failures} failures");
        }
    }

    #[test]
    fn a_minute_of_life_forgives_earlier_crashes() {
        assert_eq!(failures_after(5, Duration::from_secs(3)), 6);
        assert_eq!(failures_after(5, Duration::from_secs(60)), 1);
    }
}
