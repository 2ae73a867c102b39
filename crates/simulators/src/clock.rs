//! The simulators' own clock: real time that tests may push forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};

/// Cheap to clone; all clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    base: DateTime<Utc>,
    started: Option<Instant>,
    pushed_millis: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's time.
    #[must_use]
    pub fn real() -> Self {
        Self { base: SystemTime::now().into(), started: Some(Instant::now()), pushed_millis: Arc::default() }
    }

    /// A clock that stands at `now` until it is pushed.
    #[must_use]
    pub fn standing(now: DateTime<Utc>) -> Self {
        Self { base: now, started: None, pushed_millis: Arc::default() }
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let run = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        let millis = i64::try_from(run.as_millis()).unwrap_or(i64::MAX);
        self.base + TimeDelta::milliseconds(millis + self.pushed_millis.load(Ordering::Relaxed))
    }

    /// The time as an answer's `Date` says it.
    #[must_use]
    pub fn date(&self) -> String {
        self.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Pushes it forward.
    pub fn advance(&self, by: Duration) {
        self.pushed_millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}
