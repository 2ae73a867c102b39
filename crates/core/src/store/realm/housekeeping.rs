//! Removes what no longer counts.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

/// How long sign-ins stay in the audit.
const AUDIT_KEPT: TimeDelta = TimeDelta::days(365);
/// How long redeemed codes and used refresh tokens stay, so that a second use is noticed.
const USED_KEPT: TimeDelta = TimeDelta::hours(1);
/// How long failures stay after the last one.
const FAILURES_KEPT: TimeDelta = TimeDelta::days(1);

/// Deletes expired sessions, codes and tokens, and old audit lines and failures.
pub async fn run(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sign_on_sessions WHERE expires_at <= $1", now).execute(pool).await?;
    sqlx::query!("DELETE FROM authorization_codes WHERE expires_at <= $1", now - USED_KEPT)
        .execute(pool)
        .await?;
    sqlx::query!("DELETE FROM refresh_tokens WHERE expires_at <= $1", now - USED_KEPT).execute(pool).await?;
    sqlx::query!("DELETE FROM sign_in_failures WHERE updated_at <= $1", now - FAILURES_KEPT)
        .execute(pool)
        .await?;
    sqlx::query!("DELETE FROM revocations WHERE expires_at <= $1", now).execute(pool).await?;
    sqlx::query!("DELETE FROM sign_ins WHERE at <= $1", now - AUDIT_KEPT).execute(pool).await?;
    Ok(())
}
