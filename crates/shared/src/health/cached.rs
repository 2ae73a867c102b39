//! A check result that is shared by all who ask within a moment.

use std::{future::Future, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use super::CheckResult;

/// Keeps the last result for a while. Who asks while a check runs waits for that one instead of starting another.
pub(super) struct Cached {
    fresh_for: Duration,
    last: Mutex<Option<(Instant, CheckResult)>>,
}

impl Cached {
    pub(super) fn new(fresh_for: Duration) -> Self {
        Self { fresh_for, last: Mutex::const_new(None) }
    }

    pub(super) async fn get<R>(&self, check: impl FnOnce() -> R) -> CheckResult
    where
        R: Future<Output = CheckResult>,
    {
        let mut last = self.last.lock().await;
        if let Some((at, result)) = &*last
            && at.elapsed() < self.fresh_for
        {
            return result.clone();
        }
        let result = check().await;
        *last = Some((Instant::now(), result.clone()));
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn many_askers_cost_one_check() {
        let cached = Cached::new(Duration::from_secs(60));
        let runs = AtomicU32::new(0);
        let ask = || {
            cached.get(|| async {
                tokio::task::yield_now().await;
                CheckResult::healthy().with("run", runs.fetch_add(1, Ordering::SeqCst))
            })
        };
        let results = futures::future::join_all((0..10).map(|_| ask())).await;
        assert!(results.iter().all(|result| *result == CheckResult::healthy().with("run", 0)));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_old_result_is_replaced() {
        let cached = Cached::new(Duration::ZERO);
        assert_eq!(cached.get(|| async { CheckResult::healthy() }).await, CheckResult::healthy());
        assert_eq!(cached.get(|| async { CheckResult::degraded() }).await, CheckResult::degraded());
    }
}
