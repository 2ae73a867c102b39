//! Links to ticket boards on screens without a user. Beacon signs them; here is which of them live.

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::Display;
use sqlx::PgPool;
use uuid::Uuid;

use super::changes::acting;

/// All links that were not taken back, oldest first; with a moment only those that have not ended by then.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(pool: &PgPool, living_at: Option<DateTime<Utc>>) -> sqlx::Result<Vec<Display>> {
    sqlx::query_as!(
        Display,
        "select id, name, view, subjects, created_by, created_at, expires_at, revoked_at from display_links
         where revoked_at is null and ($1::timestamptz is null or expires_at is null or expires_at > $1)
         order by created_at, id",
        living_at
    )
    .fetch_all(pool)
    .await
}

/// Keeps a new link.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(pool: &PgPool, actor: &str, display: &Display) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    acting(&mut tx, actor).await?;
    sqlx::query!(
        "insert into display_links (id, name, view, subjects, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        display.id,
        display.name,
        display.view,
        display.subjects,
        display.created_by,
        display.created_at,
        display.expires_at
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Takes a link back and tells its name; none when there is no such link. Once taken back it stays so.
///
/// # Errors
/// When the database cannot be written.
pub async fn revoke(
    pool: &PgPool,
    actor: &str,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    let mut tx = pool.begin().await?;
    acting(&mut tx, actor).await?;
    let name = sqlx::query_scalar!(
        "update display_links set revoked_at = coalesce(revoked_at, $2) where id = $1 returning name",
        id,
        now
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(name)
}
