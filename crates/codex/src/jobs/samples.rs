//! Keeps how the board looks, every five minutes.

use std::time::Duration;

use chrono::TimeDelta;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;

use crate::{domain::board_sample::slot, store::board_samples};

/// Time between two looks at the clock.
const TICK: Duration = Duration::from_secs(5);
/// A sample that could not be taken by then is missing: later the board looks different.
const LATEST: TimeDelta = TimeDelta::minutes(1);

/// Takes samples until it is dropped, also while syncs are not scheduled: changes come from other instances as well.
pub async fn run(pool: PgPool, clock: Clock) {
    let mut done = None;
    let mut complained = false;
    loop {
        let now = clock.now();
        let at = slot(now);
        if done != Some(at) && now - at <= LATEST {
            match board_samples::take(&pool, at).await {
                Ok(taken) => {
                    tracing::trace!(taken, "board sample");
                    done = Some(at);
                    complained = false;
                }
                Err(error) if complained => tracing::debug!(%error, "no board sample"),
                Err(error) => {
                    complained = true;
                    tracing::warn!(%error, "no board sample, will keep trying");
                }
            }
        }
        tokio::time::sleep(TICK).await;
    }
}
