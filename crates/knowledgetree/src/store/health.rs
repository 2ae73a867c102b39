//! The store's part of the health document (§2.6).

use std::{sync::Arc, time::Instant};

use hivematrix_shared::health::{CheckResult, Health};

use super::{KnowledgeStore, StoreKind};

/// Adds the check of the store: `database`, and for Neo4j the same under `neo4j`.
pub fn health(health: Health, store: &Arc<dyn KnowledgeStore>) -> Health {
    let check = |store: Arc<dyn KnowledgeStore>| move || check(store.clone());
    let health = health.store("database", check(store.clone()));
    match store.kind() {
        StoreKind::Neo4j => health.store("neo4j", check(store.clone())),
        StoreKind::Postgres => health,
    }
}

/// Whether it answers. Why not stands in the log; the document is readable without a token.
async fn check(store: Arc<dyn KnowledgeStore>) -> CheckResult {
    let started = Instant::now();
    let result = match store.ping().await {
        Ok(()) => {
            let latency = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            CheckResult::healthy().with("message", "Connected").with("latency_ms", latency)
        }
        Err(error) => {
            tracing::warn!(%error, "the store does not answer");
            CheckResult::unhealthy("unavailable")
        }
    };
    result.with(
        "type",
        match store.kind() {
            StoreKind::Neo4j => "neo4j",
            StoreKind::Postgres => "postgresql",
        },
    )
}
