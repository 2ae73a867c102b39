//! A value that is asked for again when it is old, by one caller at a time, and kept when that fails.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::clock::Clock;

/// One remembered value.
pub struct Slot<T> {
    clock: Clock,
    lifetime: fn(&T) -> TimeDelta,
    back_off: TimeDelta,
    entry: Mutex<Entry<T>>,
    flight: tokio::sync::Mutex<()>,
}

struct Entry<T> {
    value: Option<Arc<T>>,
    asked_at: Option<DateTime<Utc>>,
    valid_for: TimeDelta,
}

impl<T> Slot<T> {
    /// An empty slot; `lifetime` says how long a value lives, and after a failure `back_off` passes before the next
    /// attempt.
    pub fn new(clock: Clock, lifetime: fn(&T) -> TimeDelta, back_off: TimeDelta) -> Self {
        let entry = Mutex::new(Entry { value: None, asked_at: None, valid_for: TimeDelta::zero() });
        Self { clock, lifetime, back_off, entry, flight: tokio::sync::Mutex::new(()) }
    }

    /// The value. When it is due, one caller fetches it; the others take the old one, and wait only when there is none.
    pub async fn get<E, F>(&self, fetch: impl FnOnce() -> F) -> Option<Arc<T>>
    where
        F: Future<Output = Result<T, E>>,
        E: std::fmt::Display,
    {
        let (value, is_due) = self.look();
        if !is_due {
            return value;
        }
        let _flight = match (&value, self.flight.try_lock()) {
            (_, Ok(flight)) => flight,
            (Some(_), Err(_)) => return value,
            (None, Err(_)) => self.flight.lock().await,
        };
        let (value, is_due) = self.look();
        if !is_due {
            return value;
        }
        match fetch().await {
            Ok(new) => {
                let valid_for = (self.lifetime)(&new);
                self.put(Some(Arc::new(new)), valid_for)
            }
            Err(error) => {
                tracing::warn!(error = %error, kept = value.is_some(), "Codex's answer could not be had");
                self.put(value, self.back_off)
            }
        }
    }

    fn look(&self) -> (Option<Arc<T>>, bool) {
        let entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        let age = entry.asked_at.map(|asked| self.clock.now() - asked);
        // A negative age: the clock was set back.
        let is_due = age.is_none_or(|age| !(TimeDelta::zero()..entry.valid_for).contains(&age));
        (entry.value.clone(), is_due)
    }

    fn put(&self, value: Option<Arc<T>>, valid_for: TimeDelta) -> Option<Arc<T>> {
        let mut entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        *entry = Entry { value: value.clone(), asked_at: Some(self.clock.now()), valid_for };
        value
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
        let asked = AtomicUsize::new(0);
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
            let fetch = || async {
                let n = asked.fetch_add(1, Ordering::SeqCst) + 1;
                works.then_some(n).ok_or("away")
            };
            assert_eq!(slot.get(fetch).await.as_deref().copied(), value);
            assert_eq!(asked.load(Ordering::SeqCst), times);
        }
    }

    #[tokio::test]
    async fn many_callers_make_one_fetch() {
        let slot = slot(&Clock::manual(DateTime::UNIX_EPOCH));
        let asked = AtomicUsize::new(0);
        let fetch = || async {
            tokio::task::yield_now().await;
            Ok::<_, &str>(asked.fetch_add(1, Ordering::SeqCst))
        };
        let (a, b, c) = tokio::join!(slot.get(fetch), slot.get(fetch), slot.get(fetch));
        assert_eq!((a.as_deref(), b.as_deref(), c.as_deref()), (Some(&0), Some(&0), Some(&0)));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
