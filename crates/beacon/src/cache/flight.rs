//! One refresh at a time, in the background: whoever needs it waits as long as it likes, and nobody who goes away breaks
//! it off.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hivematrix_shared::correlation;
use tracing::Instrument;

/// How long a page waits for something newer than what it could show at once.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Lets refreshes of one thing run one after the other.
#[derive(Clone, Default)]
pub struct Flight {
    under_way: Arc<tokio::sync::Mutex<()>>,
    /// Number of refreshes that were started: the newest one's own.
    started: Arc<AtomicU64>,
    /// The newest one with which somebody has lost patience; 0 before the first.
    late: Arc<AtomicU64>,
}

impl Flight {
    /// Whether a refresh is under way.
    pub fn is_under_way(&self) -> bool {
        self.under_way.try_lock().is_err()
    }

    /// Waits for the refresh under way, or starts this one and waits for it; at most `patience` where one is given, while
    /// the refresh goes on. Once somebody has lost patience with it, nobody else who has a limit waits for it at all. A
    /// refresh that starts should look whether it is still needed.
    pub async fn join<F>(&self, patience: Option<Duration>, refresh: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Ok(flight) = self.under_way.clone().try_lock_owned() {
            self.started.fetch_add(1, Ordering::SeqCst);
            let work = refresh();
            let work = async move {
                work.await;
                drop(flight);
            };
            tokio::spawn(correlation::scope(correlation::current(), work).in_current_span());
        }
        let Some(patience) = patience else {
            drop(self.under_way.lock().await);
            return;
        };
        let awaited = self.started.load(Ordering::SeqCst);
        if self.late.load(Ordering::SeqCst) == awaited {
            return;
        }
        // What comes later is there for the next one who asks.
        if tokio::time::timeout(patience, self.under_way.lock()).await.is_err() {
            // Of this one: another may have begun at this very moment.
            self.late.fetch_max(awaited, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_wait_for_one_refresh_and_the_impatient_leave_it_running() {
        let (flight, started, go_on) =
            (Flight::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let refresh = || {
            let (started, go_on) = (started.clone(), go_on.clone());
            move || async move {
                started.fetch_add(1, Ordering::SeqCst);
                go_on.notified().await;
            }
        };
        flight.join(Some(PATIENCE), refresh()).await;
        assert!(flight.is_under_way());
        let (a, b) = (flight.join(None, refresh()), flight.join(None, refresh()));
        let all = async { tokio::join!(a, b) };
        let mut all = std::pin::pin!(all);
        assert!(futures::poll!(&mut all).is_pending());
        go_on.notify_one();
        all.await;
        assert_eq!(started.load(Ordering::SeqCst), 1);
        assert!(!flight.is_under_way());
    }

    #[tokio::test(start_paused = true)]
    async fn one_loses_patience_for_all_until_the_next_refresh() {
        let (flight, go_on) = (Flight::default(), Arc::new(Notify::new()));
        let refresh = || {
            let go_on = go_on.clone();
            move || async move { go_on.notified().await }
        };
        let waited = async || {
            let began = tokio::time::Instant::now();
            flight.join(Some(PATIENCE), refresh()).await;
            began.elapsed()
        };
        assert_eq!(waited().await, PATIENCE);
        assert_eq!((waited().await, waited().await), (Duration::ZERO, Duration::ZERO));
        go_on.notify_one();
        flight.join(None, refresh()).await;
        assert_eq!(waited().await, PATIENCE, "the next refresh gets its chance");
    }
}
