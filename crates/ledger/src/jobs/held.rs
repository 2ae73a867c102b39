//! What shows all instances that a job or a run lives: a lock on a connection of its own, which ends with the process.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;

/// So long the database may take to say that the connection is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Holds a job or a run as long as it lives.
pub(super) struct Held {
    id: Uuid,
    connection: PgConnection,
}

impl Held {
    /// Holds one that nobody else can hold.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn take(pool: &PgPool, id: Uuid) -> sqlx::Result<Self> {
        // A connection of its own: the lock ends with it, however this ends.
        let mut connection = pool.acquire().await?.detach();
        sqlx::query!("select pg_advisory_lock(hashtextextended($1, 3))", id.to_string())
            .fetch_one(&mut connection)
            .await?;
        Ok(Self { id, connection })
    }

    /// The connection that holds it.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Holds it again where the database was away: its locks went with its connections. Whoever looks meanwhile looks twice. False
    /// where it is not held yet.
    pub(super) async fn keep(&mut self, pool: &PgPool) -> bool {
        match tokio::time::timeout(PATIENCE, self.again(pool)).await {
            Ok(Ok(is_held)) => is_held,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a run is not held again yet");
                false
            }
            Err(_) => false,
        }
    }

    async fn again(&mut self, pool: &PgPool) -> sqlx::Result<bool> {
        if self.connection.ping().await.is_ok() {
            return Ok(true);
        }
        let mut connection = pool.acquire().await?.detach();
        // As long as the server has not noticed that the first connection is gone, that holds it.
        let is_held = sqlx::query_scalar!(
            r#"select pg_try_advisory_lock(hashtextextended($1, 3)) as "is_held!""#,
            self.id.to_string()
        )
        .fetch_one(&mut connection)
        .await?;
        if is_held {
            self.connection = connection;
        }
        Ok(is_held)
    }

    /// The work is done, whatever becomes of the lock.
    pub(super) async fn release(self) {
        let _ = self.connection.close().await;
    }
}

/// Whether nobody holds a job or a run; until the transaction ends nobody else finds that out.
pub(super) async fn is_dead(connection: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1, 3)) as "is_dead!""#,
        id.to_string()
    )
    .fetch_one(connection)
    .await
}
