//! A value that is asked for again when it is old, by one caller at a time, and kept when that fails.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::clock::Clock;

use super::flight::{Flight, PATIENCE};

/// One remembered value. Cheap to clone; clones remember together.
pub struct Slot<T>(Arc<Inner<T>>);

struct Inner<T> {
    clock: Clock,
    lifetime: fn(&T) -> TimeDelta,
    back_off: TimeDelta,
    entry: Mutex<Entry<T>>,
    flight: Flight,
}

struct Entry<T> {
    value: Option<Arc<T>>,
    asked_at: Option<DateTime<Utc>>,
    valid_for: TimeDelta,
    has_failed: bool,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + Sync + 'static> Slot<T> {
    /// An empty slot; `lifetime` says how long a value lives, and after a failure `back_off` passes before the next
    /// attempt.
    pub fn new(clock: Clock, lifetime: fn(&T) -> TimeDelta, back_off: TimeDelta) -> Self {
        let entry = Mutex::new(Entry {
            value: None,
            asked_at: None,
            valid_for: TimeDelta::zero(),
            has_failed: false,
        });
        Self(Arc::new(Inner { clock, lifetime, back_off, entry, flight: Flight::default() }))
    }

    /// The value. When it is due, one caller fetches it and waits for it a little; the others take the old one, and wait
    /// only when there is none.
    pub async fn get<E, F>(&self, fetch: impl FnOnce() -> F + Send + 'static) -> Option<Arc<T>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        E: std::fmt::Display,
    {
        let patience = self.known().is_some().then_some(PATIENCE);
        self.get_within(patience, fetch).await
    }

    /// As [`Slot::get`], but nobody waits longer than `patience`, where one is given: then there may be no value yet.
    pub async fn get_within<E, F>(
        &self,
        patience: Option<Duration>,
        fetch: impl FnOnce() -> F + Send + 'static,
    ) -> Option<Arc<T>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        E: std::fmt::Display,
    {
        let (value, is_due) = self.look();
        if !is_due || (value.is_some() && self.0.flight.is_under_way()) {
            return value;
        }
        let slot = self.clone();
        let refresh = move || async move {
            if slot.look().1 {
                slot.put(fetch().await);
            }
        };
        self.0.flight.join(patience, refresh).await;
        self.look().0
    }

    /// The value as it is remembered, whatever its age.
    pub fn known(&self) -> Option<Arc<T>> {
        self.look().0
    }

    /// Lets the next caller ask, whatever the age of the value.
    pub fn outdate(&self) {
        self.0.entry.lock().unwrap_or_else(PoisonError::into_inner).asked_at = None;
    }

    fn look(&self) -> (Option<Arc<T>>, bool) {
        let entry = self.0.entry.lock().unwrap_or_else(PoisonError::into_inner);
        let age = entry.asked_at.map(|asked| self.0.clock.now() - asked);
        // A negative age: the clock was set back.
        let is_due = age.is_none_or(|age| !(TimeDelta::zero()..entry.valid_for).contains(&age));
        (entry.value.clone(), is_due)
    }

    fn put<E: std::fmt::Display>(&self, fetched: Result<T, E>) {
        let mut entry = self.0.entry.lock().unwrap_or_else(PoisonError::into_inner);
        entry.asked_at = Some(self.0.clock.now());
        match fetched {
            Ok(value) => {
                entry.valid_for = (self.0.lifetime)(&value);
                entry.value = Some(Arc::new(value));
                entry.has_failed = false;
            }
            Err(error) => {
                entry.valid_for = self.0.back_off;
                // Said once for each outage: some values are asked for every other second.
                if std::mem::replace(&mut entry.has_failed, true) {
                    tracing::debug!(error = %error, "Codex's answer still cannot be had");
                } else {
                    tracing::warn!(error = %error, kept = entry.value.is_some(), "Codex's answer could not be had");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn slot(clock: &Clock) -> Slot<usize> {
        Slot::new(clock.clone(), |_| TimeDelta::seconds(300), TimeDelta::seconds(30))
    }

    #[tokio::test]
    async fn a_value_is_kept_for_its_lifetime_and_over_failures_with_a_back_off() {
        let clock = Clock::manual("2025-11-22T10:00:00Z".parse().unwrap());
        let slot = slot(&clock);
        let asked = Arc::new(AtomicUsize::new(0));
        for (seconds, works, value, times) in [
            (0, false, None, 1),
            (29, true, None, 1),
            (1, true, Some(2), 2),
            (299, false, Some(2), 2),
            (1, false, Some(2), 3),
            (29, true, Some(2), 3),
            (1, true, Some(4), 4),
            // The clock is set back.
            (-3600, true, Some(5), 5),
            (299, true, Some(5), 5),
        ] {
            clock.advance(TimeDelta::seconds(seconds));
            let asked_by = asked.clone();
            let fetch = move || async move {
                let n = asked_by.fetch_add(1, Ordering::SeqCst) + 1;
                works.then_some(n).ok_or("away")
            };
            assert_eq!(slot.get(fetch).await.as_deref().copied(), value);
            assert_eq!(asked.load(Ordering::SeqCst), times);
        }
        slot.outdate();
        assert_eq!(slot.get(|| async { Ok::<_, &str>(9) }).await.as_deref(), Some(&9));
    }

    #[tokio::test]
    async fn many_callers_make_one_fetch() {
        let slot = slot(&Clock::manual(DateTime::UNIX_EPOCH));
        let asked = Arc::new(AtomicUsize::new(0));
        let fetch = || {
            let asked = asked.clone();
            move || async move {
                tokio::task::yield_now().await;
                Ok::<_, &str>(asked.fetch_add(1, Ordering::SeqCst))
            }
        };
        let (a, b, c) = tokio::join!(slot.get(fetch()), slot.get(fetch()), slot.get(fetch()));
        assert_eq!((a.as_deref(), b.as_deref(), c.as_deref()), (Some(&0), Some(&0), Some(&0)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_hangs_keeps_nobody_waiting_who_can_have_the_old_value() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let slot = slot(&clock);
        assert_eq!(slot.get(|| async { Ok::<_, &str>(1) }).await.as_deref(), Some(&1));
        clock.advance(TimeDelta::seconds(300));
        let began = tokio::time::Instant::now();
        assert_eq!(slot.get(std::future::pending::<Result<_, &str>>).await.as_deref(), Some(&1));
        assert_eq!(began.elapsed(), PATIENCE);
        assert_eq!(slot.get(|| async { Ok::<_, &str>(2) }).await.as_deref(), Some(&1));
        assert_eq!(began.elapsed(), PATIENCE, "the others do not wait at all");
    }
    #[tokio::test(start_paused = true)]
    async fn who_has_little_patience_goes_without_a_first_value_and_finds_it_later() {
        let slot = slot(&Clock::manual(DateTime::UNIX_EPOCH));
        let little = Duration::from_millis(300);
        let began = tokio::time::Instant::now();
        let fetch = || async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, &str>(1)
        };
        assert_eq!(slot.get_within(Some(little), fetch).await, None);
        assert_eq!(began.elapsed(), little);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(slot.known().as_deref(), Some(&1));
    }
}
