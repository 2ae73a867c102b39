//! Core's own health checks (core.md §9).

use std::time::Instant;

use hivematrix_shared::health::CheckResult;

use crate::{
    realm::Realm,
    store::sessions::{SessionHealth, Sessions, StoreUnavailable},
};

/// The session store. Memory, and a Redis that is away, are degraded and never unhealthy: tokens are still signed and
/// checked, and dependents only look at the status code. Without its Redis an instance is not ready, so that others get the
/// sign-ins.
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
        SessionHealth::Stale => CheckResult::degraded().not_ready().with(
            "error",
            "Redis could not be read for a while; services are sent to another instance of Core",
        ),
        SessionHealth::RedisAway(error) => CheckResult::degraded()
            .not_ready()
            .with("error", format!("{}; session operations fail until it does", trouble(&error))),
        SessionHealth::MemoryUntilRedis(error) => {
            let what = error.as_ref().map_or_else(|| "Redis has not been reached yet".to_owned(), trouble);
            CheckResult::degraded()
                .with("error", format!("{what}; sessions are kept in memory until it does"))
        }
        SessionHealth::Memory => CheckResult::degraded().with("error", "sessions are kept in memory"),
    }
}

/// What is wrong with Redis, without its address or its own words.
fn trouble(error: &StoreUnavailable) -> String {
    tracing::debug!(error = %error, "the health check found Redis in trouble");
    match error {
        StoreUnavailable::Away(_) => "Redis does not answer".to_owned(),
        StoreUnavailable::Refused { code, .. } => format!("Redis does not do what it is asked ({code})"),
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
