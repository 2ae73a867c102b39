//! A token bucket: how fast requests to one account may follow each other, and when none may.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many requests an account allows.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Requests at once after a quiet time.
    pub burst: u32,
    /// Requests a minute on top of that.
    pub per_minute: u32,
}

/// Shared by all who use the account.
#[derive(Debug)]
pub(super) struct Bucket {
    quota: Quota,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    filled_at: Instant,
    /// Nobody may send before.
    closed_until: Option<Instant>,
    /// Refusals since the last answer.
    refusals: u32,
}

impl Bucket {
    pub(super) fn new(quota: Quota) -> Self {
        let tokens = f64::from(quota.burst.max(1));
        let state = State { tokens, filled_at: Instant::now(), closed_until: None, refusals: 0 };
        Self { quota, state: Mutex::new(state) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request may be sent.
    pub(super) async fn take(&self) {
        loop {
            let wait = self.try_take(Instant::now());
            match wait {
                None => return,
                Some(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    fn try_take(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Some(until - now);
        }
        let rate = f64::from(self.quota.per_minute.max(1)) / 60.0;
        let grown = now.duration_since(state.filled_at).as_secs_f64() * rate;
        state.tokens = (state.tokens + grown).min(f64::from(self.quota.burst.max(1)));
        state.filled_at = now;
        if state.tokens >= 1.0 {
            state.tokens -= 1.0;
            return None;
        }
        Some(Duration::from_secs_f64((1.0 - state.tokens) / rate).max(Duration::from_millis(1)))
    }

    /// The vendor refused: for how long nobody sends anything now. Each refusal in a row doubles the least wait.
    pub(super) fn refused(&self, asked: Option<Duration>, least: Duration, most: Duration) -> Duration {
        let mut state = self.state();
        let backoff = least.saturating_mul(1 << state.refusals.min(6));
        state.refusals += 1;
        let wait = asked.map_or(backoff, |asked| asked.max(least.min(backoff))).min(most);
        let until = Instant::now() + wait;
        state.closed_until = state.closed_until.max(Some(until));
        // What was saved up is gone at the vendor, too.
        state.tokens = 0.0;
        wait
    }

    /// The vendor answers again.
    pub(super) fn answered(&self) {
        self.state().refusals = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_sees_more_than_the_burst_and_the_rate() {
        let bucket = Bucket::new(Quota { burst: 10, per_minute: 60 });
        let (mut now, mut sent) = (Instant::now(), 0);
        let end = now + Duration::from_secs(60);
        while now < end {
            match bucket.try_take(now) {
                None => sent += 1,
                Some(wait) => now += wait,
            }
        }
        assert!((68..=70).contains(&sent), "{sent}");
    }

    #[test]
    fn a_refusal_stops_everybody_for_longer_each_time() {
        let bucket = Bucket::new(Quota { burst: 10, per_minute: 600 });
        let (least, most) = (Duration::from_secs(10), Duration::from_secs(60));
        let waits: Vec<u64> = (0..5).map(|_| bucket.refused(None, least, most).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 60, 60]);
        assert!(bucket.try_take(Instant::now()).is_some_and(|wait| wait > Duration::from_secs(50)));
        bucket.answered();
        assert_eq!(bucket.refused(Some(Duration::from_secs(33)), least, most).as_secs(), 33);
    }
}
