//! Ended sessions that outlive the process which keeps its sessions in memory.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::domain::revocation::Revocation;

/// Keeps entries of the log; those that are there already stay.
pub async fn insert(pool: &PgPool, entries: &[Revocation]) -> sqlx::Result<()> {
    let ids: Vec<String> = entries.iter().map(|entry| entry.jti.clone()).collect();
    let ends: Vec<DateTime<Utc>> = entries
        .iter()
        .map(|entry| DateTime::from_timestamp(entry.exp, 0).unwrap_or(DateTime::<Utc>::MAX_UTC))
        .collect();
    sqlx::query!(
        "INSERT INTO revocations (jti, expires_at) SELECT * FROM UNNEST($1::text[], $2::timestamptz[])
         ON CONFLICT (jti) DO NOTHING",
        &ids,
        &ends
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Session ids whose tokens have not expired, with the Unix second at which they do.
pub async fn live(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        "SELECT jti, expires_at FROM revocations WHERE expires_at > $1 ORDER BY expires_at",
        now
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.jti, row.expires_at.timestamp())).collect())
}
