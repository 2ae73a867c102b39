//! The account's limits: a rolling minute of reads and one of writes; whoever does not heed them is locked out.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

/// Length of the rolling window.
const WINDOW: TimeDelta = TimeDelta::seconds(60);
/// How long an address stays locked out.
const LOCKOUT: TimeDelta = TimeDelta::minutes(5);

/// How a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Pass,
    /// Go on, slowly: nine tenths of the limit are used.
    Delay,
    /// 429.
    Limited,
    /// 403.
    LockedOut,
}

/// What was called lately.
#[derive(Debug, Default)]
pub struct Limits {
    reads: VecDeque<DateTime<Utc>>,
    writes: VecDeque<DateTime<Utc>>,
    refused: VecDeque<DateTime<Utc>>,
    locked_until: Option<DateTime<Utc>>,
}

impl Limits {
    /// Counts a call.
    pub fn call(&mut self, now: DateTime<Utc>, write: bool, limit: u32, patience: u32) -> Verdict {
        if self.locked_until.is_some_and(|until| now < until) {
            return Verdict::LockedOut;
        }
        for calls in [&mut self.reads, &mut self.writes, &mut self.refused] {
            while calls.front().is_some_and(|at| *at + WINDOW <= now) {
                calls.pop_front();
            }
        }
        let calls = if write { &mut self.writes } else { &mut self.reads };
        if calls.len() >= limit as usize {
            self.refused.push_back(now);
            if self.refused.len() > patience as usize {
                self.locked_until = Some(now + LOCKOUT);
                self.refused.clear();
                return Verdict::LockedOut;
            }
            return Verdict::Limited;
        }
        calls.push_back(now);
        if calls.len() * 10 > limit as usize * 9 { Verdict::Delay } else { Verdict::Pass }
    }

    /// Reads and writes in the window.
    pub fn used(&self) -> (usize, usize) {
        (self.reads.len(), self.writes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_the_limit_comes_429_then_a_lockout_that_ends() {
        let start: DateTime<Utc> = "2026-03-18T12:00:00Z".parse().unwrap();
        let mut limits = Limits::default();
        let mut call = |seconds: i64| limits.call(start + TimeDelta::seconds(seconds), false, 10, 2);
        let verdicts: Vec<Verdict> = (0..10).map(|_| call(0)).collect();
        assert!(verdicts[..9].iter().all(|verdict| *verdict == Verdict::Pass));
        assert_eq!(verdicts[9], Verdict::Delay);
        assert_eq!([call(1), call(2), call(3)], [Verdict::Limited, Verdict::Limited, Verdict::LockedOut]);
        assert_eq!(
            [call(200), call(302), call(303)],
            [Verdict::LockedOut, Verdict::LockedOut, Verdict::Pass]
        );
    }

    #[test]
    fn writes_are_counted_apart_from_reads() {
        let now: DateTime<Utc> = "2026-03-18T12:00:00Z".parse().unwrap();
        let mut limits = Limits::default();
        assert_eq!(limits.call(now, false, 1, 9), Verdict::Delay);
        assert_eq!(limits.call(now, false, 1, 9), Verdict::Limited);
        assert_eq!(limits.call(now, true, 2, 9), Verdict::Pass);
        assert_eq!(limits.used(), (1, 1));
    }
}
