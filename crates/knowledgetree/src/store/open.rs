//! The store that the settings name.

use std::sync::Arc;

use hivematrix_shared::db;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

use super::{KnowledgeStore, neo4j::Neo4jStore, postgres::PostgresStore};
use crate::config::Settings;

/// The tables of the PostgreSQL store.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/knowledgetree");

/// Neo4j where it is set up, whether it answers or not; else PostgreSQL, for which this waits.
///
/// # Errors
/// When the address of Neo4j is none, neither store is set up, the database is newer than this version, or the wait was ended.
pub async fn open(
    settings: &Settings,
    shutdown: &CancellationToken,
) -> anyhow::Result<Arc<dyn KnowledgeStore>> {
    if let Some((uri, password)) = settings.neo4j.configured() {
        return Ok(Arc::new(Neo4jStore::new(uri, &settings.neo4j.neo4j_user, password)?));
    }
    let pool = db::connect(settings.database.database_url.as_ref(), settings.database.database_connections)?;
    db::migrate(&pool, &MIGRATOR, shutdown).await?;
    let store = PostgresStore::new(pool);
    store.set_up().await?;
    Ok(Arc::new(store))
}
