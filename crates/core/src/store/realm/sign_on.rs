//! Browsers that are signed in at the realm.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::user::User;

/// A signed-in browser.
#[derive(Clone, Debug)]
pub struct SignOn {
    /// Id, the `sid` claim.
    pub id: Uuid,
    /// Who.
    pub user: User,
    /// When the password was last given.
    pub authenticated_at: DateTime<Utc>,
}

/// Facts of the browser, for the audit.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// Client address.
    pub address: String,
    /// `User-Agent`, cut.
    pub user_agent: String,
}

/// Starts a session whose cookie value has this stored form.
pub async fn insert(
    pool: &PgPool,
    user: Uuid,
    secret_hash: &[u8],
    browser: &Browser,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<Uuid> {
    let id = Uuid::new_v4();
    sqlx::query!(
        "INSERT INTO sign_on_sessions (id, user_id, secret_hash, authenticated_at, expires_at, client_address, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        user,
        secret_hash,
        now,
        expires_at,
        browser.address,
        browser.user_agent
    )
    .execute(pool)
    .await?;
    Ok(id)
}

/// The live session of a cookie, if its user may still sign in.
pub async fn find(pool: &PgPool, secret_hash: &[u8], now: DateTime<Utc>) -> sqlx::Result<Option<SignOn>> {
    let Some(row) = sqlx::query!(
        "SELECT s.id, s.user_id, s.authenticated_at FROM sign_on_sessions s JOIN users u ON u.id = s.user_id
         WHERE s.secret_hash = $1 AND s.expires_at > $2 AND u.enabled
               AND NOT u.update_password AND NOT u.configure_totp",
        secret_hash,
        now
    )
    .fetch_optional(pool)
    .await?
    else {
        return Ok(None);
    };
    let user = super::users::find(pool, row.user_id).await?;
    Ok(user.map(|user| SignOn { id: row.id, user, authenticated_at: row.authenticated_at }))
}

/// A live session as its owner sees it in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Id, the `sid` claim.
    pub id: Uuid,
    /// When it began.
    pub since: DateTime<Utc>,
    /// From where.
    pub client_address: String,
    /// `User-Agent`, cut.
    pub user_agent: String,
}

/// The live sessions of a user, the newest first.
pub async fn list_of_user(pool: &PgPool, user: Uuid, now: DateTime<Utc>) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        "SELECT id, authenticated_at AS since, client_address, user_agent FROM sign_on_sessions
         WHERE user_id = $1 AND expires_at > $2 ORDER BY authenticated_at DESC, id",
        user,
        now
    )
    .fetch_all(pool)
    .await
}

/// Ends one session of this user; `false` when the user has no such one.
pub async fn delete_own(pool: &PgPool, user: Uuid, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("DELETE FROM sign_on_sessions WHERE id = $1 AND user_id = $2", id, user);
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Ends one session with all that was issued from it.
pub async fn delete(pool: &PgPool, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sign_on_sessions WHERE id = $1", id).execute(pool).await?;
    Ok(())
}

/// Ends all sessions of a user, but perhaps one.
pub async fn delete_of_user(pool: &PgPool, user: Uuid, but: Option<Uuid>) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("DELETE FROM sign_on_sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2", user, but);
    Ok(done.execute(pool).await?.rows_affected())
}
