//! `security_audits`: what each audit found.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;

/// An audit that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptAudit {
    /// Rises with time.
    pub id: i64,
    /// When it was made, UTC.
    pub at: DateTime<Utc>,
    /// Who asked for it.
    pub by_name: String,
    /// The worst of what it found.
    pub severity: String,
    /// The findings object.
    pub findings: Value,
}

/// Audits that are kept; older ones go.
const KEEP: i64 = 1_000;

/// Keeps an audit and gives back its id.
///
/// # Errors
/// When the database refuses or is away.
pub async fn insert(
    pool: &PgPool,
    at: DateTime<Utc>,
    by_name: &str,
    severity: &str,
    findings: &Value,
) -> sqlx::Result<i64> {
    let id = sqlx::query_scalar!(
        "INSERT INTO security_audits (at, by_name, severity, findings) VALUES ($1, left($2, 255), $3, $4) RETURNING id",
        at,
        by_name,
        severity,
        findings,
    )
    .fetch_one(pool)
    .await?;
    sqlx::query!("DELETE FROM security_audits WHERE id <= $1", id - KEEP).execute(pool).await?;
    Ok(id)
}

/// One page of audits, the newest first: those before an id where one is given.
///
/// # Errors
/// When the database refuses or is away.
pub async fn page(pool: &PgPool, before: Option<i64>, limit: i64) -> sqlx::Result<Vec<KeptAudit>> {
    sqlx::query_as!(
        KeptAudit,
        "SELECT id, at, by_name, severity, findings FROM security_audits
          WHERE $1::bigint IS NULL OR id < $1
          ORDER BY id DESC
          LIMIT $2",
        before,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// One audit; `None` when there is none, or no longer.
///
/// # Errors
/// When the database refuses or is away.
pub async fn find(pool: &PgPool, id: i64) -> sqlx::Result<Option<KeptAudit>> {
    sqlx::query_as!(
        KeptAudit,
        "SELECT id, at, by_name, severity, findings FROM security_audits WHERE id = $1",
        id
    )
    .fetch_optional(pool)
    .await
}

/// The newest audit that looked at everything.
///
/// # Errors
/// When the database refuses or is away.
pub async fn newest_complete(pool: &PgPool) -> sqlx::Result<Option<KeptAudit>> {
    sqlx::query_as!(
        KeptAudit,
        r#"SELECT id, at, by_name, severity, findings FROM security_audits
            WHERE NOT findings @? '$.further_checks[*] ? (@.status == "unknown")'
            ORDER BY id DESC
            LIMIT 1"#
    )
    .fetch_optional(pool)
    .await
}
