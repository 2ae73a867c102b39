//! Core's own health checks (core.md §9).

use std::time::Instant;

use hivematrix_shared::health::CheckResult;

use crate::{
    realm::Realm,
    store::sessions::{SessionHealth, Sessions},
};

/// The session store. Memory, and a Redis that is away, are degraded and never unhealthy: tokens are still signed and
/// checked, and dependents only look at the status code.
pub async fn sessions(sessions: Sessions) -> CheckResult {
    let asked = Instant::now();
    match sessions.health().await {
        SessionHealth::Redis(status) => {
            let latency = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
            CheckResult::healthy()
                .with("latency_ms", latency)
                .with("connected_clients", status.connected_clients)
                .with("used_memory_mb", megabytes(status.used_memory))
        }
        SessionHealth::RedisAway(error) => {
            tracing::debug!(error, "the health check found Redis away");
            CheckResult::degraded()
                .with("error", "Redis does not answer; session operations fail until it does")
        }
        SessionHealth::MemoryUntilRedis => CheckResult::degraded()
            .with("error", "Redis has not answered yet; sessions are kept in memory until it does"),
        SessionHealth::Memory => CheckResult::degraded().with("error", "sessions are kept in memory"),
    }
}

/// Whether the local realm's tables, groups and first users are there.
pub async fn realm(realm: Realm) -> CheckResult {
    if realm.is_ready() { CheckResult::healthy() } else { CheckResult::unhealthy("being set up") }
}

/// Two decimals.
fn megabytes(bytes: u64) -> f64 {
    // Exact far beyond any memory size.
    let megabytes = bytes as f64 / (1024.0 * 1024.0);
    (megabytes * 100.0).round() / 100.0
}
