//! PostgreSQL: a pool that does not need the server to be there yet, and migrations that wait for it.

pub mod set_up;

use std::{str::FromStr, time::Duration};

use sqlx::{
    PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio_util::sync::CancellationToken;

use crate::config::Secret;

/// Default size of a service's pool, as the contracts name it.
pub const POOL_SIZE: u32 = 10;

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// `DATABASE_URL` is missing.
    #[error("DATABASE_URL is not set (nor `[database] connection_string` in the service's conf file)")]
    NotConfigured,
    /// `DATABASE_URL` is no PostgreSQL address.
    #[error("DATABASE_URL is not a PostgreSQL address")]
    BadUrl,
    /// A migration failed, or the database is newer than this version.
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(#[from] MigrateError),
    /// Stopped while waiting for the server.
    #[error("stopped before the database was reachable")]
    Stopped,
}

/// A pool for a service's own database. Connects on first use, so a server that is away is an error per query, not at
/// start.
pub fn connect(url: Option<&Secret>, max_connections: u32) -> Result<PgPool, DbError> {
    let url = url.filter(|url| !url.is_empty()).ok_or(DbError::NotConfigured)?;
    // The error text would repeat the address with its password.
    let options = PgConnectOptions::from_str(url.expose()).map_err(|_| DbError::BadUrl)?;
    Ok(PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(5))
        .max_lifetime(Duration::from_secs(3600))
        .idle_timeout(Duration::from_secs(300))
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Compiling a query takes PostgreSQL longer than ours run; it does so where it expects many rows.
                sqlx::raw_sql("SET jit = off").execute(connection).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options))
}

/// How long a change of a table waits for those who read it, as a backup does. Everybody else who wants the table queues behind
/// a change that waits, so it gives up and is tried again later. A value of PostgreSQL's `lock_timeout`.
pub const LOCK_PATIENCE: &str = "3s";

/// SQLSTATE of a statement that waited for a lock as long as it may.
const LOCKED: &str = "55P03";

/// Brings the database up to date under PostgreSQL's advisory lock; waits for a server that is not there yet, and for whoever
/// reads a table that changes, as a backup does.
pub async fn migrate(
    pool: &PgPool,
    migrator: &Migrator,
    shutdown: &CancellationToken,
) -> Result<(), DbError> {
    let mut pause = Duration::from_millis(100);
    loop {
        match migrate_once(pool, migrator).await {
            Ok(()) => return Ok(()),
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _))
                if is_away(&error) =>
            {
                tracing::warn!(error = %error, "the database is not reachable, waiting");
            }
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _))
                if error.as_database_error().is_some_and(|error| error.code().as_deref() == Some(LOCKED)) =>
            {
                tracing::warn!("somebody uses what the database's next version changes, waiting");
            }
            Err(error) => return Err(error.into()),
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return Err(DbError::Stopped);
        }
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// One try, which gives up where a table stays in use.
async fn migrate_once(pool: &PgPool, migrator: &Migrator) -> Result<(), MigrateError> {
    // A connection of its own, closed afterwards: it may be left with the advisory lock, and its patience is not that of queries.
    let apart = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("SELECT set_config('lock_timeout', $1, false)")
                    .bind(LOCK_PATIENCE)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .connect_lazy_with(pool.connect_options().as_ref().clone());
    let outcome = migrator.run(&apart).await;
    apart.close().await;
    outcome
}

/// Whether an error means that the server cannot be reached at the moment.
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        // 57P: the server is starting up, stopping, or was killed; 53: it has no connection left.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("53"))
        }
        _ => false,
    }
}
