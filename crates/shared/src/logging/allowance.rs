//! So many per second on the long run, and many at once now and then.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// An allowance that fills up again by itself.
pub(super) struct Allowance(DefaultDirectRateLimiter);

impl Allowance {
    /// `per_second` on the long run, `at_once` after a quiet time.
    pub(super) fn new(per_second: u32, at_once: usize) -> Self {
        let some = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let at_once = some(u32::try_from(at_once).unwrap_or(u32::MAX));
        Self(RateLimiter::direct(Quota::per_second(some(per_second)).allow_burst(at_once)))
    }

    /// Takes one; false when there is none left at the moment.
    pub(super) fn take(&self) -> bool {
        self.0.check().is_ok()
    }
}
