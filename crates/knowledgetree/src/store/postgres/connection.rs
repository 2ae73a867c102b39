//! Transactions, and what PostgreSQL's errors mean.

use hivematrix_shared::db;
use sqlx::{PgPool, Postgres, Transaction};

use crate::store::{
    StoreError,
    retry::{Attempt, Failure},
};

/// What a transaction does to the shape of the tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// It adds an item or a property. Many do so at once; nothing is moved or removed meanwhile.
    Adds,
    /// It moves or removes items. Nobody else changes the tree meanwhile, so what it has looked at stays true.
    Moves,
}

/// Name of the lock on the shape of the tree, among the database's advisory locks.
const TREE_LOCK: i64 = 0x4b54_7472_6565;

pub(super) async fn begin(pool: &PgPool, change: Change) -> Attempt<Transaction<'static, Postgres>> {
    let mut transaction = pool.begin().await?;
    match change {
        Change::Adds => {
            sqlx::query!("select pg_advisory_xact_lock_shared($1)", TREE_LOCK)
                .execute(&mut *transaction)
                .await?
        }
        Change::Moves => {
            sqlx::query!("select pg_advisory_xact_lock($1)", TREE_LOCK).execute(&mut *transaction).await?
        }
    };
    Ok(transaction)
}

/// A transaction that sees one moment.
pub(super) async fn snapshot(pool: &PgPool) -> Attempt<Transaction<'static, Postgres>> {
    Ok(pool.begin_with("begin isolation level repeatable read, read only").await?)
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        // 40: a deadlock or a conflict of snapshots; 23505: somebody else took the name between the look and the write.
        let passing = code.as_deref().is_some_and(|code| code.starts_with("40") || code == "23505");
        let error = store_error(&error);
        if passing { Self::Passing(error) } else { Self::Final(error) }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        store_error(&error)
    }
}

fn store_error(error: &sqlx::Error) -> StoreError {
    if db::is_away(error) || matches!(error, sqlx::Error::PoolClosed | sqlx::Error::Tls(_)) {
        StoreError::Unavailable(error.to_string())
    } else {
        StoreError::Failed(error.to_string())
    }
}
