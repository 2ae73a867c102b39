//! Old log lines, samples and alerts leave once a day (helm.md §5.4).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;

use crate::store::{alerts, metrics, partitions};

/// Days that log lines are kept unless asked otherwise.
pub const KEEP_DAYS: u32 = 30;
/// After a failure: a backup may have been reading the log.
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Not while everything starts.
const FIRST_AFTER: Duration = Duration::from_secs(600);

/// What was removed, or would be.
#[derive(Debug, Clone, Copy)]
pub struct Removed {
    /// Log lines.
    pub lines: partitions::Cleanup,
    /// Samples of services.
    pub samples: i64,
    /// Alerts that were over.
    pub alerts: i64,
}

/// Removes what is older than `cutoff`; with `dry_run` only counts it.
///
/// # Errors
/// When the database does not take it.
pub async fn remove_before(pool: &PgPool, cutoff: DateTime<Utc>, dry_run: bool) -> sqlx::Result<Removed> {
    Ok(Removed {
        lines: partitions::remove_before(pool, cutoff, dry_run).await?,
        samples: metrics::remove_before(pool, cutoff, dry_run).await?,
        alerts: alerts::remove_before(pool, cutoff, dry_run).await?,
    })
}

/// Removes old rows every day.
pub async fn daily(pool: PgPool, clock: Clock) {
    tokio::time::sleep(FIRST_AFTER).await;
    loop {
        let cutoff = clock.now() - TimeDelta::days(i64::from(KEEP_DAYS));
        let pause = match remove_before(&pool, cutoff, false).await {
            Ok(Removed { lines, samples, alerts }) => {
                tracing::info!(
                    partitions = lines.partitions,
                    rows = lines.dropped_rows + lines.deleted_rows,
                    samples,
                    alerts,
                    "what had its time was removed"
                );
                DAY
            }
            Err(error) => {
                tracing::warn!(error = %error, "what had its time was not removed, trying again");
                HOUR
            }
        };
        tokio::time::sleep(pause).await;
    }
}
