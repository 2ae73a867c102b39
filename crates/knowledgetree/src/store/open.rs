//! The store that the settings name.

use std::sync::Arc;

use anyhow::Context as _;
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
    if settings.neo4j.configured().is_some() {
        open_neo4j(settings)
    } else {
        open_postgres(settings, shutdown).await
    }
}

/// Neo4j, whether it answers or not.
///
/// # Errors
/// When it is not set up, or its address is none.
pub fn open_neo4j(settings: &Settings) -> anyhow::Result<Arc<dyn KnowledgeStore>> {
    let configured = settings.neo4j.configured();
    let (uri, password) =
        configured.context("Neo4j is not set up: NEO4J_URI and NEO4J_PASSWORD are needed")?;
    Ok(Arc::new(Neo4jStore::new(uri, &settings.neo4j.neo4j_user, password)?))
}

/// PostgreSQL with its tables as they should be; waits for the server.
///
/// # Errors
/// When it is not set up, the database is newer than this version, or the wait was ended.
pub async fn open_postgres(
    settings: &Settings,
    shutdown: &CancellationToken,
) -> anyhow::Result<Arc<dyn KnowledgeStore>> {
    let pool = db::connect(settings.database.database_url.as_ref(), settings.database.database_connections)?;
    db::migrate(&pool, &MIGRATOR, shutdown).await?;
    let store = PostgresStore::new(pool);
    store.set_up().await?;
    Ok(Arc::new(store))
}
