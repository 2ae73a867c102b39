//! Platform users as the realm has them.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::unit;
use crate::clients::keycloak::RealmUser;

/// Stores one user: into the row with the id `known`, else into a new one. Preferences stay. A login name or an address
/// that a row without a user in the realm still carries is taken from it.
///
/// # Errors
/// When the database does not take it, such as for an address that two users share.
pub async fn store(
    pool: &PgPool,
    known: Option<&str>,
    user: &RealmUser,
    realm: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let text =
        |value: &Option<String>| value.as_deref().map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned);
    let email = text(&user.email);
    let mut transaction = unit::begin(pool).await?;
    let id = known.unwrap_or(&user.id);
    sqlx::query!(
        "update agents set email = case when lower(email) = lower($2) then null else email end, \
             username = case when lower(username) = lower($3) then keycloak_id else username end \
         where keycloak_id <> $1 and (lower(email) = lower($2) or lower(username) = lower($3)) \
             and not keycloak_id = any($4)",
        id,
        email,
        user.username,
        realm
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "insert into agents (keycloak_id, username, email, first_name, last_name, enabled, created_at, updated_at, last_synced_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $7, $7) \
         on conflict (keycloak_id) do update set \
             updated_at = case when (agents.username, agents.email, agents.first_name, agents.last_name, agents.enabled) \
                 is distinct from (excluded.username, excluded.email, excluded.first_name, excluded.last_name, excluded.enabled) \
                 then excluded.updated_at else agents.updated_at end, \
             username = excluded.username, email = excluded.email, first_name = excluded.first_name, \
             last_name = excluded.last_name, enabled = excluded.enabled, last_synced_at = excluded.last_synced_at",
        id,
        user.username,
        email,
        text(&user.first_name),
        text(&user.last_name),
        user.enabled,
        now
    )
    .execute(&mut *transaction)
    .await?;
    if id != user.id {
        sqlx::query!("update agents set keycloak_id = $2 where keycloak_id = $1", id, user.id)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

/// Disables the users that the realm no longer has; answers how many were enabled until now.
///
/// # Errors
/// When the database cannot be written.
pub async fn disable_missing(pool: &PgPool, realm: &[String], now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update agents set enabled = false, updated_at = $2, last_synced_at = $2 \
         where enabled and not keycloak_id = any($1)",
        realm,
        now
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
