//! Log lines of the last hour per service and level: counted once for all who ask, since a busy hour takes a while.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::store::logs;

/// Numbers may be this old.
const MAX_AGE: Duration = Duration::from_secs(10);

/// Lines by service and level.
pub type Counts = BTreeMap<String, BTreeMap<String, i64>>;

struct Inner {
    pool: PgPool,
    clock: Clock,
    counted: Mutex<Option<(Instant, Arc<Counts>)>>,
}

/// The counts. Cheap to clone.
#[derive(Clone)]
pub struct LogStats(Arc<Inner>);

impl LogStats {
    /// Counts over the log store.
    #[must_use]
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self(Arc::new(Inner { pool, clock, counted: Mutex::default() }))
    }

    /// The counts; askers at the same time share one.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub async fn last_hour(&self) -> sqlx::Result<Arc<Counts>> {
        let mut counted = self.0.counted.lock().await;
        if let Some((at, counts)) = counted.as_ref()
            && at.elapsed() <= MAX_AGE
        {
            return Ok(counts.clone());
        }
        let mut counts = Counts::new();
        for row in logs::level_counts(&self.0.pool, self.0.clock.now() - TimeDelta::hours(1)).await? {
            counts.entry(row.service).or_default().insert(row.level, row.count);
        }
        let counts = Arc::new(counts);
        *counted = Some((Instant::now(), counts.clone()));
        Ok(counts)
    }
}
