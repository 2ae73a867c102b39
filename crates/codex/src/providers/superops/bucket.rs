//! The account's requests per minute, and who may use them (codex-api.md §13.3).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::Pace;

/// A token bucket that never lets more than the vendor's number through in any minute: an eighth of it may come at once,
/// the rest spread over the minute. The vendor does not say how much is left, so we count ourselves. Work nobody waits
/// for leaves a quarter of the burst to others.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Time that one request uses up.
    interval: Duration,
    /// How far ahead of time requests may run.
    burst: Duration,
    /// When the bucket is full again.
    full_at: Mutex<Option<Instant>>,
}

impl Bucket {
    pub(super) fn new(per_minute: u32) -> Self {
        let at_once = (per_minute / 8).max(1);
        let spread = (per_minute - at_once.min(per_minute)).max(1);
        let interval = Duration::from_secs(60) / spread;
        Self { interval, burst: interval * at_once, full_at: Mutex::default() }
    }

    /// Waits for a token.
    pub(super) async fn take(&self, pace: Pace) {
        while let Err(wait) = self.try_take(pace, Instant::now()) {
            tokio::time::sleep(wait).await;
        }
    }

    fn try_take(&self, pace: Pace, now: Instant) -> Result<(), Duration> {
        let allowed = match pace {
            Pace::Now => self.burst,
            Pace::Background => self.burst * 3 / 4,
        };
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = full_at.unwrap_or(now).max(now) + self.interval;
        let ahead = next.duration_since(now);
        if ahead > allowed.max(self.interval) {
            return Err(ahead - allowed.max(self.interval));
        }
        *full_at = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these get through in `seconds`, asking ten times a second.
    fn through(bucket: &Bucket, pace: Pace, from: Instant, seconds: u64) -> u32 {
        let ticks = (0..seconds * 10).map(|tick| from + Duration::from_millis(tick * 100));
        ticks
            .map(|now| {
                std::iter::repeat_with(|| bucket.try_take(pace, now)).take_while(Result::is_ok).count() as u32
            })
            .sum()
    }

    #[test]
    fn no_minute_sees_more_than_the_limit_and_background_work_leaves_some() {
        let start = Instant::now();
        let bucket = Bucket::new(800);
        let first = through(&bucket, Pace::Now, start, 60);
        assert!((780..=800).contains(&first), "{first}");
        let second = through(&bucket, Pace::Now, start + Duration::from_secs(60), 60);
        assert!((680..=700).contains(&second), "{second}");

        let bucket = Bucket::new(800);
        let now = Instant::now();
        while bucket.try_take(Pace::Background, now).is_ok() {}
        let left =
            std::iter::repeat_with(|| bucket.try_take(Pace::Now, now)).take_while(Result::is_ok).count();
        assert_eq!(left, 25, "a quarter of the 100 that may come at once");
    }

    #[test]
    fn the_smallest_limit_still_lets_requests_through() {
        let bucket = Bucket::new(1);
        let now = Instant::now();
        assert!(bucket.try_take(Pace::Background, now).is_ok());
        assert!(bucket.try_take(Pace::Background, now).is_err());
        assert!(bucket.try_take(Pace::Background, now + Duration::from_secs(60)).is_ok());
    }
}
