//! What runs in the background: archiving months, when asked and on schedule (ledger.md §7.4, §7.5), and the jobs of the
//! administrators.

mod archive;
mod held;
mod patience;
pub mod pullers;
mod schedule;
pub mod scripts;

use std::{sync::Arc, time::Duration};

use hivematrix_shared::clock::Clock;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use archive::{NotStarted, Order};

use crate::{bills::Bills, store::jobs};

/// Months that are archived at the same time.
const AT_A_TIME: usize = 2;
/// Between two looks at the schedule and at jobs whose process is gone.
const LOOK: Duration = Duration::from_secs(30);

/// Archives months. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    bills: Bills,
    pool: PgPool,
    clock: Clock,
    shutdown: CancellationToken,
    turns: Arc<Semaphore>,
}

impl Jobs {
    /// Over these sources; starts nothing.
    pub fn new(bills: Bills, pool: PgPool, clock: Clock, shutdown: CancellationToken) -> Self {
        Self { bills, pool, clock, shutdown, turns: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// Follows the schedule until the service stops.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.bury_dead().await {
                tracing::warn!(%error, "jobs whose process is gone could not be looked for");
            }
            if let Err(error) = self.follow_schedule().await {
                tracing::warn!(%error, "the schedule could not be followed");
            }
            if self.shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                return;
            }
        }
    }

    /// Jobs that are noted as running and that no process holds any more have failed. What they archived stays archived.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn bury_dead(&self) -> sqlx::Result<()> {
        for id in jobs::running(&self.pool).await? {
            let mut tx = self.pool.begin().await?;
            if !held::is_dead(&mut tx, id).await? {
                continue;
            }
            let text = "The service stopped while the job ran. What was archived stays archived; start it again for the rest.";
            jobs::end(&self.pool, id, self.clock.now(), Err(text)).await?;
            tx.commit().await?;
            tracing::warn!(job = %id, "a job whose process is gone was ended");
        }
        Ok(())
    }

    fn new_id() -> Uuid {
        Uuid::new_v4()
    }
}
