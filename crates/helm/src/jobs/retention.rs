//! Old log lines leave once a day (helm.md §5.4).

use std::time::Duration;

use chrono::TimeDelta;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;

use crate::store::partitions;

/// Days that log lines are kept unless asked otherwise.
pub const KEEP_DAYS: u32 = 30;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Not while everything starts.
const FIRST_AFTER: Duration = Duration::from_secs(600);

/// Removes old rows every day.
pub async fn daily(pool: PgPool, clock: Clock) {
    tokio::time::sleep(FIRST_AFTER).await;
    loop {
        let cutoff = clock.now() - TimeDelta::days(i64::from(KEEP_DAYS));
        match partitions::remove_before(&pool, cutoff, false).await {
            Ok(done) => tracing::info!(
                partitions = done.partitions,
                rows = done.dropped_rows + done.deleted_rows,
                "old log lines removed"
            ),
            Err(error) => tracing::warn!(error = %error, "old log lines were not removed"),
        }
        tokio::time::sleep(DAY).await;
    }
}
