//! One unit of a sync's work: a transaction that does not wait for ever for what somebody else holds.

use sqlx::{PgPool, Postgres, Transaction};

/// Begins a unit. A lock that is not free within 20 seconds ends it with SQLSTATE 55P03, see [`is_passing`].
///
/// # Errors
/// When the database cannot be reached.
pub async fn begin(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    pool.begin_with("begin; set local lock_timeout = '20s'").await
}

/// Whether the database broke a unit off for others' sake, so that the same may well succeed a moment later: class 40 is
/// a deadlock or a serialization failure, 55P03 a lock that was not free in time.
pub fn is_passing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("40") || code == "55P03")
}
