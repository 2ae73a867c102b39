//! Storing many rows in one statement without letting a bad one spoil the others.

use std::fmt::Display;

use futures::future::BoxFuture;
use sqlx::{Acquire as _, PgConnection};

use crate::store::sync_tickets::Written;

/// What became of some rows.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Rows that were stored.
    pub(super) written: Written,
    /// The others, in words. To be told once the transaction is over: it may be done again.
    pub(super) refused: Vec<String>,
}

/// Stores rows with `write`, all at once. When the database refuses the batch it is tried in halves, down to the single
/// rows that are at fault; those are told under the name that `name` gives them and left out.
///
/// # Errors
/// When the database fails for another reason than the rows.
pub(super) async fn store<T: Sync>(
    conn: &mut PgConnection,
    rows: &[T],
    name: impl Fn(&T) -> String + Send,
    write: impl for<'a> Fn(&'a mut PgConnection, &'a [T]) -> BoxFuture<'a, sqlx::Result<Written>> + Send + Sync,
) -> sqlx::Result<Stored> {
    let mut stored = Stored::default();
    let mut open = vec![rows];
    while let Some(batch) = open.pop() {
        if batch.is_empty() {
            continue;
        }
        let mut attempt = conn.begin().await?;
        match write(&mut attempt, batch).await {
            Ok(more) => {
                attempt.commit().await?;
                stored.written += more;
            }
            Err(error) if is_about_rows(&error) => {
                attempt.rollback().await?;
                match batch {
                    [row] => stored.refused.push(refused(name(row), &error)),
                    _ => {
                        let (first, second) = batch.split_at(batch.len() / 2);
                        open.push(second);
                        open.push(first);
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(stored)
}

fn refused(name: String, error: &impl Display) -> String {
    format!("{name} could not be stored: {error}")
}

/// Whether the rows are at fault: class 22 is bad data, class 23 a broken constraint; 21 a row that comes twice; 54 a value
/// that is too long for an index.
pub(crate) fn is_about_rows(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["21", "22", "23", "54"].iter().any(|class| code.starts_with(class)))
}
