//! Authenticator apps and recovery codes of accounts.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// An account's authenticator app.
#[derive(Clone, Debug)]
pub struct App {
    /// Id, as Keycloak's credentials have one.
    pub id: Uuid,
    /// The shared key, sealed.
    pub secret: String,
    /// Its owner's name for it, perhaps empty.
    pub label: String,
    /// When it was set up.
    pub created_at: DateTime<Utc>,
}

/// A new authenticator app.
#[derive(Clone, Copy, Debug)]
pub struct NewApp<'a> {
    /// Whose.
    pub user: Uuid,
    /// The shared key, sealed.
    pub secret: &'a str,
    /// Its owner's name for it.
    pub label: &'a str,
    /// Step of the code that proved it works.
    pub step: i64,
}

/// The app of an account.
pub async fn find(pool: &PgPool, user: Uuid) -> sqlx::Result<Option<App>> {
    sqlx::query_as!(
        App,
        "SELECT id, secret, label, created_at FROM totp_credentials WHERE user_id = $1",
        user
    )
    .fetch_optional(pool)
    .await
}

/// Whether an account has one.
pub async fn exists(pool: &PgPool, user: Uuid) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM totp_credentials WHERE user_id = $1) AS "exists!""#,
        user
    );
    found.fetch_one(pool).await
}

/// Which of these accounts have one.
pub async fn owners(pool: &PgPool, users: &[Uuid]) -> sqlx::Result<HashSet<Uuid>> {
    let found = sqlx::query_scalar!("SELECT user_id FROM totp_credentials WHERE user_id = ANY ($1)", users);
    Ok(found.fetch_all(pool).await?.into_iter().collect())
}

/// Keeps a new app; `false` when the account has one already.
pub async fn insert(
    connection: &mut PgConnection,
    app: &NewApp<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO totp_credentials (id, user_id, secret, label, created_at, last_step)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO NOTHING",
        Uuid::new_v4(),
        app.user,
        app.secret,
        app.label,
        now,
        app.step
    );
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

/// Removes the app of an account with its recovery codes; `false` when there is none.
pub async fn delete(connection: &mut PgConnection, user: Uuid) -> sqlx::Result<bool> {
    sqlx::query!("DELETE FROM recovery_codes WHERE user_id = $1", user).execute(&mut *connection).await?;
    let done = sqlx::query!("DELETE FROM totp_credentials WHERE user_id = $1", user);
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

/// Notes that the code of this step was used; `false` when it, or a later one, was used before.
pub async fn use_step(pool: &PgPool, app: Uuid, step: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE totp_credentials SET last_step = $2 WHERE id = $1 AND last_step < $2",
        app,
        step
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Replaces the recovery codes of an account by these stored forms.
pub async fn replace_codes(connection: &mut PgConnection, user: Uuid, codes: &[Vec<u8>]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM recovery_codes WHERE user_id = $1", user).execute(&mut *connection).await?;
    sqlx::query!(
        "INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])",
        user,
        codes
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Uses a recovery code: once.
pub async fn use_code(pool: &PgPool, user: Uuid, code: &[u8], now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
        user,
        code,
        now
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// How many recovery codes an account has left.
pub async fn codes_left(pool: &PgPool, user: Uuid) -> sqlx::Result<i64> {
    let left = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL"#,
        user
    );
    left.fetch_one(pool).await
}

/// Notes that an administrator's wish for a new app is fulfilled; `false` when there was none (any more).
pub async fn fulfil_wish(connection: &mut PgConnection, user: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("UPDATE users SET configure_totp = false WHERE id = $1 AND configure_totp", user);
    Ok(done.execute(connection).await?.rows_affected() > 0)
}
