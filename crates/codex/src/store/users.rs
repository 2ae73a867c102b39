//! People who sign in to the platform, and their preferences (table `agents`).

use chrono::{DateTime, Utc};
use hivematrix_shared::{auth::ActingUser, contracts::codex::wire};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::domain::preferences::{Change, Preferences};

/// A platform user, all columns.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct User {
    /// The identity provider's id.
    pub keycloak_id: String,
    /// Login name.
    pub username: String,
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// `light` or `dark`.
    pub theme_preference: String,
    /// One of nine colours.
    pub preferred_color_theme: String,
    /// `grid`, `tree` or `hierarchy`.
    pub knowledgetree_view_preference: String,
    /// Service to open after login.
    pub home_page_preference: String,
    /// When the row was made.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<DateTime<Utc>>,
    /// When the row was last changed.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<DateTime<Utc>>,
    /// When the identity provider was last read.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_synced_at: Option<DateTime<Utc>>,
}

impl User {
    /// The user's preferences.
    pub fn preferences(&self) -> Preferences {
        Preferences {
            theme_preference: self.theme_preference.clone(),
            preferred_color_theme: self.preferred_color_theme.clone(),
            knowledgetree_view_preference: self.knowledgetree_view_preference.clone(),
            home_page_preference: self.home_page_preference.clone(),
        }
    }
}

/// All users by login name.
pub async fn list(pool: &PgPool) -> sqlx::Result<Vec<User>> {
    sqlx::query_as!(User, "select * from agents order by lower(username)").fetch_all(pool).await
}

/// One user by the identity provider's id.
pub async fn find(pool: &PgPool, keycloak_id: &str) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(User, "select * from agents where keycloak_id = $1", keycloak_id)
        .fetch_optional(pool)
        .await
}

/// One user by e-mail address, in any case of letters.
pub async fn find_by_email(pool: &PgPool, email: &str) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(User, "select * from agents where lower(email) = lower($1)", email)
        .fetch_optional(pool)
        .await
}

/// Changes the preferences of the user with this id; none without such a user.
pub async fn change(
    pool: &PgPool,
    keycloak_id: &str,
    change: &Change,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(
        User,
        "update agents set theme_preference = coalesce($2, theme_preference), \
            preferred_color_theme = coalesce($3, preferred_color_theme), \
            knowledgetree_view_preference = coalesce($4, knowledgetree_view_preference), \
            home_page_preference = coalesce($5, home_page_preference), updated_at = $6 \
         where keycloak_id = $1 returning *",
        keycloak_id,
        change.theme_preference,
        change.preferred_color_theme,
        change.knowledgetree_view_preference,
        change.home_page_preference,
        now
    )
    .fetch_optional(pool)
    .await
}

/// The user of a token: the row with its e-mail address, else with its id.
pub async fn find_of(pool: &PgPool, user: &ActingUser) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(
        User,
        "select * from agents where lower(email) = lower($1) or keycloak_id = $2 \
         order by (lower(email) = lower($1)) is true desc limit 1",
        user.email,
        user.sub
    )
    .fetch_optional(pool)
    .await
}

/// The user of a token, see [`find_of`], with the token's e-mail address, by which everybody else asks; without such a user
/// a new one made from the token.
pub async fn find_or_create(pool: &PgPool, user: &ActingUser, now: DateTime<Utc>) -> sqlx::Result<User> {
    if let Some(known) = find_of(pool, user).await? {
        let has_it =
            known.email.as_ref().is_some_and(|email| email.to_lowercase() == user.email.to_lowercase());
        return if has_it { Ok(known) } else { with_address(pool, known, &user.email, now).await };
    }
    // Two requests of a new user may meet here, and a login name may have been used before by somebody else.
    let username = if user.preferred_username.is_empty() { &user.email } else { &user.preferred_username };
    let created = sqlx::query_as!(
        User,
        "insert into agents (keycloak_id, username, email, created_at, updated_at) \
         values ($1, case when exists (select from agents where username = $2) then $1 else $2 end, $3, $4, $4) \
         on conflict do nothing returning *",
        user.sub,
        username,
        user.email,
        now
    )
    .fetch_optional(pool)
    .await?;
    match created {
        Some(created) => Ok(created),
        None => find_of(pool, user).await?.ok_or(sqlx::Error::RowNotFound),
    }
}

/// Gives a user this e-mail address, unless somebody else has got it meanwhile.
async fn with_address(pool: &PgPool, known: User, email: &str, now: DateTime<Utc>) -> sqlx::Result<User> {
    let changed = sqlx::query_as!(
        User,
        "update agents set email = $2, updated_at = $3 where keycloak_id = $1 returning *",
        known.keycloak_id,
        email,
        now
    )
    .fetch_optional(pool)
    .await;
    match changed {
        Ok(changed) => Ok(changed.unwrap_or(known)),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(known),
        Err(error) => Err(error),
    }
}
