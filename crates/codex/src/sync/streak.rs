//! When failures of single rows mean that the vendor is away.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::providers::ProviderError;

/// Unanswered questions in a row after which nobody asks on.
const MOST: u32 = 3;

/// Counts unanswered questions in a row. One row the vendor stumbles over must not end a run, or the next run would end
/// there as well; several in a row mean that it answers nobody.
#[derive(Debug, Default)]
pub(super) struct Streak(AtomicU32);

impl Streak {
    /// The vendor has answered.
    pub(super) fn answered(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether the run has to end with this error.
    pub(super) fn ends_with(&self, error: &ProviderError) -> bool {
        if !error.is_outage() {
            self.answered();
            return error.is_fatal();
        }
        self.0.fetch_add(1, Ordering::Relaxed) + 1 >= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_rows_may_fail_and_a_vendor_that_is_away_ends_the_run() {
        let (provider, path, what) = ("V", || "p".to_owned(), || "w".to_owned());
        let network = || ProviderError::Network { provider, path: path(), detail: what() };
        let refused = || ProviderError::Api { provider, path: path(), status: 500, what: what() };
        let streak = Streak::default();
        for (error, ends) in [
            (network(), false),
            (network(), false),
            (refused(), false),
            (network(), false),
            (ProviderError::Authentication { provider, detail: what() }, true),
            (network(), false),
            (network(), false),
            (ProviderError::Unreachable { provider, path: path(), detail: what() }, true),
        ] {
            assert_eq!(streak.ends_with(&error), ends, "{error}");
        }
        streak.answered();
        assert!(!streak.ends_with(&network()));
    }
}
