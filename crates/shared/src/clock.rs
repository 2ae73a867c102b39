//! The current time, handed around as a value so that rules and tests can set it.

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Instant,
};

use chrono::{DateTime, TimeDelta, Utc};

/// Source of the current time in UTC. Cheap to clone; clones of a manual clock share its time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `time` until it is moved with [`Clock::set`] or [`Clock::advance`].
    pub fn manual(time: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(time))))
    }

    /// Alias of [`Clock::manual`] for tests that never move the time.
    pub fn fixed(time: DateTime<Utc>) -> Self {
        Self::manual(time)
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now(),
            Source::Manual(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Seconds since the Unix epoch, the unit of JWT claims.
    pub fn unix(&self) -> i64 {
        self.now().timestamp()
    }

    /// Whole seconds since some moment, never going back and never jumping when the machine's time is set: for measuring
    /// how long ago something was. A manual clock counts its own time.
    pub fn steady(&self) -> i64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Source::System => i64::try_from(START.elapsed().as_secs()).unwrap_or(i64::MAX),
            Source::Manual(_) => self.unix(),
        }
    }

    /// Sets a manual clock; does nothing to the system clock.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Source::Manual(time) = &self.0 {
            *time.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }

    /// Moves a manual clock forward; does nothing to the system clock.
    pub fn advance(&self, by: TimeDelta) {
        self.set(self.now() + by);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}
