//! Helm's own log lines go straight into the table, by the same rules as everyone's.

use hivematrix_shared::{
    clock::Clock,
    contracts::helm::LogBatch,
    logging::{LogSink, SinkError},
};
use sqlx::PgPool;

use crate::{domain::log_entry::validate, store::logs};

/// Stores batches in `log_entries`.
pub struct DatabaseSink {
    pool: PgPool,
    clock: Clock,
}

impl DatabaseSink {
    /// A sink over the log store.
    #[must_use]
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }
}

impl LogSink for DatabaseSink {
    async fn send(&self, batch: &LogBatch<'_>) -> Result<(), SinkError> {
        let now = self.clock.now();
        let entries: Vec<_> = batch
            .logs
            .iter()
            .filter_map(|entry| serde_json::to_value(entry).ok())
            .filter_map(|entry| validate(batch.service_name, &entry, now).ok())
            .collect();
        match logs::insert(&self.pool, &entries).await {
            Ok(_) => Ok(()),
            Err(error) => Err(SinkError::Unavailable { reason: error.to_string(), retry_after: None }),
        }
    }
}
