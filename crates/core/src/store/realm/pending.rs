//! Sessions that are still to be ended.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::domain::session::Whose;

const USER: &str = "user";
const BROWSER: &str = "browser";

/// One sign-out that is owed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pending {
    /// Whose sessions.
    pub whose: Whose,
    /// When they were to end.
    pub asked_at: DateTime<Utc>,
}

const fn parts(whose: &Whose) -> (&'static str, &String) {
    match whose {
        Whose::User(sub) => (USER, sub),
        Whose::Browser(sid) => (BROWSER, sid),
    }
}

/// Notes a sign-out; of several for the same sessions the last one counts.
pub async fn insert(pool: &PgPool, whose: &Whose, now: DateTime<Utc>) -> sqlx::Result<()> {
    let (kind, subject) = parts(whose);
    sqlx::query!(
        "INSERT INTO pending_revocations (kind, subject, asked_at) VALUES ($1, $2, $3)
         ON CONFLICT (kind, subject) DO UPDATE SET asked_at = GREATEST(pending_revocations.asked_at, excluded.asked_at)",
        kind,
        subject,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// All that are owed, the oldest first.
pub async fn all(pool: &PgPool) -> sqlx::Result<Vec<Pending>> {
    let rows = sqlx::query!("SELECT kind, subject, asked_at FROM pending_revocations ORDER BY asked_at")
        .fetch_all(pool)
        .await?;
    let pending = rows.into_iter().map(|row| {
        let whose = if row.kind == USER { Whose::User(row.subject) } else { Whose::Browser(row.subject) };
        Pending { whose, asked_at: row.asked_at }
    });
    Ok(pending.collect())
}

/// Removes one that was done, unless it was asked for again meanwhile.
pub async fn done(pool: &PgPool, pending: &Pending) -> sqlx::Result<()> {
    let (kind, subject) = parts(&pending.whose);
    sqlx::query!(
        "DELETE FROM pending_revocations WHERE kind = $1 AND subject = $2 AND asked_at = $3",
        kind,
        subject,
        pending.asked_at
    )
    .execute(pool)
    .await?;
    Ok(())
}
