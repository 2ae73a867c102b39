//! One refresh at a time, in the background: whoever needs it waits as long as it likes, and nobody who goes away breaks
//! it off.

use std::{future::Future, sync::Arc, time::Duration};

use hivematrix_shared::correlation;
use tracing::Instrument;

/// How long a page waits for something newer than what it could show at once.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Lets refreshes of one thing run one after the other.
#[derive(Clone, Default)]
pub struct Flight(Arc<tokio::sync::Mutex<()>>);

impl Flight {
    /// Whether a refresh is under way.
    pub fn is_under_way(&self) -> bool {
        self.0.try_lock().is_err()
    }

    /// Waits for the refresh under way, or starts this one and waits for it; at most `patience` where one is given, while
    /// the refresh goes on. A refresh that starts should look whether it is still needed.
    pub async fn join<F>(&self, patience: Option<Duration>, refresh: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Ok(flight) = self.0.clone().try_lock_owned() {
            let work = refresh();
            let work = async move {
                work.await;
                drop(flight);
            };
            tokio::spawn(correlation::scope(correlation::current(), work).in_current_span());
        }
        let landed = self.0.lock();
        match patience {
            // What comes later is there for the next one who asks.
            Some(patience) => drop(tokio::time::timeout(patience, landed).await),
            None => drop(landed.await),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

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
}
