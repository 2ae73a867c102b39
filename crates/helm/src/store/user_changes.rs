//! `user_changes`: who changed which user. Rows come in and are read, never changed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::user_change::{Action, Outcome};

/// A change to be kept.
#[derive(Debug, Clone)]
pub struct NewChange<'a> {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// Id of the acting user.
    pub by_id: &'a str,
    /// Name of the acting user, and by which way.
    pub by_name: &'a str,
    /// Id of the user who was changed, where it is known.
    pub user_id: Option<Uuid>,
    /// Login name of that user.
    pub username: &'a str,
    /// What exactly.
    pub details: &'a Value,
    /// The request.
    pub correlation_id: &'a str,
}

/// A change that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UserChange {
    /// Rises with time.
    pub id: i64,
    /// When, UTC.
    pub at: DateTime<Utc>,
    /// `create`, `update`, `delete`, `reset_password`, `groups`, `join` or `leave`.
    pub action: String,
    /// `done`, `partial`, or `refused` where it would have locked somebody out.
    pub outcome: String,
    /// Id of who acted at the identity provider; `helm-cli` for the command line.
    pub by_id: String,
    /// Who acted, and by which way.
    pub by_name: String,
    /// Id of the user at the identity provider.
    pub user_id: Option<Uuid>,
    /// Login name at that time.
    pub username: String,
    /// Members with `from` and `to`, groups `added` and `removed`, `errors`. Never a password.
    #[schema(value_type = Object)]
    pub details: Value,
    /// The request, as the central log knows it.
    pub correlation_id: Option<String>,
}

/// Longest names of the table.
const LONGEST: usize = 255;

/// Keeps a change.
///
/// # Errors
/// When the database refuses or is away.
pub async fn insert(pool: &PgPool, change: &NewChange<'_>) -> sqlx::Result<()> {
    let short = |text: &str| hivematrix_shared::pages::format::shortened(text, LONGEST);
    sqlx::query!(
        "INSERT INTO user_changes (at, action, outcome, by_id, by_name, user_id, username, details, correlation_id)
         VALUES ($1, $2, $3, left($4, 100), $5, $6, $7, $8, $9)",
        change.at,
        change.action.as_str(),
        change.outcome.as_str(),
        change.by_id,
        short(change.by_name),
        change.user_id,
        short(change.username),
        change.details,
        change.correlation_id,
    )
    .execute(pool)
    .await
    .map(drop)
}

/// One page of changes, the newest first: those before an id, and those of one user where one is named.
///
/// # Errors
/// When the database refuses or is away.
pub async fn page(
    pool: &PgPool,
    user: Option<Uuid>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<UserChange>> {
    sqlx::query_as!(
        UserChange,
        "SELECT id, at, action, outcome, by_id, by_name, user_id, username, details, correlation_id
           FROM user_changes
          WHERE ($1::uuid IS NULL OR user_id = $1) AND ($2::bigint IS NULL OR id < $2)
          ORDER BY id DESC
          LIMIT $3",
        user,
        before,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// How many changes there are, of one user or of all.
///
/// # Errors
/// When the database refuses or is away.
pub async fn count(pool: &PgPool, user: Option<Uuid>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM user_changes WHERE $1::uuid IS NULL OR user_id = $1"#,
        user
    )
    .fetch_one(pool)
    .await
}
