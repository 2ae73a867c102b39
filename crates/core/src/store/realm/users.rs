//! People and their passwords.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::user::User;

/// Why an account cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The login name is taken.
    #[error("User exists with same username")]
    SameUsername,
    /// The e-mail is taken.
    #[error("User exists with same email")]
    SameEmail,
    /// The database refused or is away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

fn conflict(error: sqlx::Error) -> UserError {
    match error.as_database_error().and_then(|db| db.constraint()) {
        Some("users_username_key") => UserError::SameUsername,
        Some("users_email_key") => UserError::SameEmail,
        _ => UserError::Database(error),
    }
}

/// Stores a new account without a password.
pub async fn insert(connection: &mut PgConnection, user: &User) -> Result<(), UserError> {
    sqlx::query!(
        "INSERT INTO users (id, username, email, first_name, last_name, enabled, email_verified, update_password,
                            configure_totp, attributes, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        user.id,
        user.username,
        user.email,
        user.first_name,
        user.last_name,
        user.enabled,
        user.email_verified,
        user.update_password,
        user.configure_totp,
        user.attributes,
        user.created_at,
    )
    .execute(connection)
    .await
    .map_err(conflict)?;
    Ok(())
}

/// Stores all changeable facts of an account; `false` when it does not exist.
pub async fn update(connection: &mut PgConnection, user: &User) -> Result<bool, UserError> {
    let done = sqlx::query!(
        "UPDATE users SET email = $2, first_name = $3, last_name = $4, enabled = $5, email_verified = $6,
                          update_password = $7, configure_totp = $8, attributes = $9
         WHERE id = $1",
        user.id,
        user.email,
        user.first_name,
        user.last_name,
        user.enabled,
        user.email_verified,
        user.update_password,
        user.configure_totp,
        user.attributes,
    )
    .execute(connection)
    .await
    .map_err(conflict)?;
    Ok(done.rows_affected() > 0)
}

/// Removes an account with all that belongs to it.
pub async fn delete(pool: &PgPool, id: Uuid) -> sqlx::Result<bool> {
    Ok(sqlx::query!("DELETE FROM users WHERE id = $1", id).execute(pool).await?.rows_affected() > 0)
}

/// An account by id.
pub async fn find(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(User, "SELECT * FROM users WHERE id = $1", id).fetch_optional(pool).await
}

/// Whether a login name has an account.
pub async fn exists(connection: &mut PgConnection, username: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM users WHERE username = $1) AS "exists!""#,
        username
    );
    found.fetch_one(connection).await
}

/// An account by login name or e-mail, in any case, with its password hash; the login name wins. One query, so that a name
/// without an account takes as long.
pub async fn find_for_sign_in(pool: &PgPool, name: &str) -> sqlx::Result<Option<(User, Option<String>)>> {
    let name = name.trim().to_lowercase();
    let row = sqlx::query!(
        r#"SELECT u.*, p.hash AS "hash?" FROM users u LEFT JOIN passwords p ON p.user_id = u.id
         WHERE u.username = $1 OR u.email = $1 ORDER BY u.username = $1 DESC LIMIT 1"#,
        name
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| {
        let user = User {
            id: row.id,
            username: row.username,
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            enabled: row.enabled,
            email_verified: row.email_verified,
            update_password: row.update_password,
            configure_totp: row.configure_totp,
            attributes: row.attributes,
            created_at: row.created_at,
        };
        (user, row.hash)
    }))
}

/// The PHC string of an account's password.
pub async fn password_hash(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT hash FROM passwords WHERE user_id = $1", id).fetch_optional(pool).await
}

/// When an account's password was set; `None`: it has none.
pub async fn password_changed_at(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("SELECT changed_at FROM passwords WHERE user_id = $1", id).fetch_optional(pool).await
}

/// Removes an account's password; `false` when it has none.
pub async fn delete_password(pool: &PgPool, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("DELETE FROM passwords WHERE user_id = $1", id);
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

/// Sets the password; `temporary` ones have to be changed at the next sign-in.
pub async fn set_password(
    connection: &mut PgConnection,
    id: Uuid,
    hash: &str,
    temporary: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO passwords (user_id, hash, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at",
        id,
        hash,
        now
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("UPDATE users SET update_password = $2 WHERE id = $1", id, temporary)
        .execute(connection)
        .await?;
    Ok(())
}

/// What a listing is narrowed to. Patterns are lower-case `LIKE` patterns.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Each has to fit name, e-mail, given or family name.
    pub search: Vec<String>,
    /// Fits the login name.
    pub username: Option<String>,
    /// Fits the e-mail.
    pub email: Option<String>,
    /// Fits the given name.
    pub first_name: Option<String>,
    /// Fits the family name.
    pub last_name: Option<String>,
    /// Enabled or disabled accounts only.
    pub enabled: Option<bool>,
}

/// One page of accounts in the order of their login names.
pub async fn list(pool: &PgPool, filter: &UserFilter, first: i64, max: i64) -> sqlx::Result<Vec<User>> {
    sqlx::query_as!(
        User,
        "SELECT * FROM users
         WHERE NOT EXISTS (SELECT FROM unnest($1::text[]) AS pattern
                           WHERE NOT (username LIKE pattern OR coalesce(email, '') LIKE pattern
                                      OR lower(coalesce(first_name, '')) LIKE pattern
                                      OR lower(coalesce(last_name, '')) LIKE pattern))
           AND ($2::text IS NULL OR username LIKE $2)
           AND ($3::text IS NULL OR email LIKE $3)
           AND ($4::text IS NULL OR lower(first_name) LIKE $4)
           AND ($5::text IS NULL OR lower(last_name) LIKE $5)
           AND ($6::boolean IS NULL OR enabled = $6)
         ORDER BY username OFFSET $7 LIMIT $8",
        &filter.search,
        filter.username,
        filter.email,
        filter.first_name,
        filter.last_name,
        filter.enabled,
        first,
        max
    )
    .fetch_all(pool)
    .await
}

/// How many accounts a listing has in all.
pub async fn count(pool: &PgPool, filter: &UserFilter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM users
         WHERE NOT EXISTS (SELECT FROM unnest($1::text[]) AS pattern
                           WHERE NOT (username LIKE pattern OR coalesce(email, '') LIKE pattern
                                      OR lower(coalesce(first_name, '')) LIKE pattern
                                      OR lower(coalesce(last_name, '')) LIKE pattern))
           AND ($2::text IS NULL OR username LIKE $2)
           AND ($3::text IS NULL OR email LIKE $3)
           AND ($4::text IS NULL OR lower(first_name) LIKE $4)
           AND ($5::text IS NULL OR lower(last_name) LIKE $5)
           AND ($6::boolean IS NULL OR enabled = $6)"#,
        &filter.search,
        filter.username,
        filter.email,
        filter.first_name,
        filter.last_name,
        filter.enabled,
    )
    .fetch_one(pool)
    .await
}

/// The changeable facts of an account as Keycloak's JSON carries them; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UserChanges {
    /// E-mail; an empty one removes it.
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// May sign in.
    pub enabled: Option<bool>,
    /// Someone vouched for the e-mail.
    pub email_verified: Option<bool>,
    /// Has to choose a new password.
    pub update_password: Option<bool>,
    /// Has to set up an authenticator app.
    pub configure_totp: Option<bool>,
    /// Free attributes.
    pub attributes: Option<Value>,
}

impl UserChanges {
    /// Applies the changes.
    pub fn apply(self, user: &mut User) {
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        if let Some(email) = self.email {
            user.email = filled(email.trim().to_lowercase());
            // An administrator wrote it.
            user.email_verified = true;
        }
        if let Some(name) = self.first_name {
            user.first_name = filled(name);
        }
        if let Some(name) = self.last_name {
            user.last_name = filled(name);
        }
        user.enabled = self.enabled.unwrap_or(user.enabled);
        user.email_verified = self.email_verified.unwrap_or(user.email_verified);
        user.update_password = self.update_password.unwrap_or(user.update_password);
        user.configure_totp = self.configure_totp.unwrap_or(user.configure_totp);
        if let Some(attributes) = self.attributes {
            user.attributes = attributes;
        }
    }
}
