//! `alerts`: what is wrong, what was, and of what the webhook has told.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgPool;

use crate::domain::alerts::Finding;

/// What the webhook has not told within this time it keeps to itself: nobody wants yesterday's news.
const NEWS: TimeDelta = TimeDelta::hours(24);

/// One time that a rule fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Alert {
    /// Rises.
    pub id: i64,
    /// `down`, `restart_loop`, `disk`, `memory`, `error_rate`, `certificate` or `backup`.
    pub rule: String,
    /// A service, or a part of the machine.
    pub subject: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// A sentence.
    pub message: String,
    /// When it began.
    pub fired_at: DateTime<Utc>,
    /// When it was seen last.
    pub last_seen: DateTime<Utc>,
    /// When it was over; absent while it is not.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// Brings the table to what is wrong now: what is new fires, what is no more is over.
///
/// # Errors
/// When the database refuses or is away; then nothing has changed.
pub async fn settle(pool: &PgPool, findings: &[Finding], now: DateTime<Utc>) -> sqlx::Result<()> {
    let rules: Vec<String> = findings.iter().map(|finding| finding.rule.as_str().to_owned()).collect();
    let subjects: Vec<String> = findings.iter().map(|finding| finding.subject.clone()).collect();
    let mut transaction = pool.begin().await?;
    sqlx::query!(
        "UPDATE alerts SET resolved_at = $1 WHERE resolved_at IS NULL
            AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS now (rule, subject)
                             WHERE now.rule = alerts.rule AND now.subject = alerts.subject)",
        now,
        &rules,
        &subjects
    )
    .execute(&mut *transaction)
    .await?;
    for finding in findings {
        // What became worse is told once more.
        sqlx::query!(
            "INSERT INTO alerts (rule, subject, severity, message, fired_at, last_seen) VALUES ($1, $2, $3, $4, $5, $5)
             ON CONFLICT (rule, subject) WHERE resolved_at IS NULL DO UPDATE
                SET severity = excluded.severity, message = excluded.message, last_seen = excluded.last_seen,
                    fire_told_at = CASE WHEN alerts.severity = 'warning' AND excluded.severity = 'critical' THEN NULL
                                        ELSE alerts.fire_told_at END",
            finding.rule.as_str(),
            finding.subject,
            finding.severity.as_str(),
            finding.message,
            now
        )
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

/// What is wrong now: the worst first, then the newest.
///
/// # Errors
/// When the database refuses or is away.
pub async fn firing(pool: &PgPool) -> sqlx::Result<Vec<Alert>> {
    sqlx::query_as!(
        Alert,
        "SELECT id, rule, subject, severity, message, fired_at, last_seen, resolved_at FROM alerts
          WHERE resolved_at IS NULL ORDER BY severity = 'critical' DESC, fired_at DESC, id DESC"
    )
    .fetch_all(pool)
    .await
}

/// What was wrong and is no more, the newest first.
///
/// # Errors
/// When the database refuses or is away.
pub async fn resolved(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<Alert>> {
    sqlx::query_as!(
        Alert,
        "SELECT id, rule, subject, severity, message, fired_at, last_seen, resolved_at FROM alerts
          WHERE resolved_at IS NOT NULL ORDER BY resolved_at DESC, id DESC LIMIT $1",
        limit
    )
    .fetch_all(pool)
    .await
}

/// What the webhook is to tell of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It began, or became worse.
    Fire,
    /// It is over.
    Resolve,
}

/// What the webhook has not told yet, in the order in which it happened. Of an alert that is over its beginning comes first.
///
/// # Errors
/// When the database refuses or is away.
pub async fn untold(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Vec<(Event, Alert)>> {
    let alerts = sqlx::query_as!(
        Alert,
        "SELECT id, rule, subject, severity, message, fired_at, last_seen, resolved_at FROM alerts
          WHERE fire_told_at IS NULL AND fired_at > $1 ORDER BY id",
        now - NEWS
    )
    .fetch_all(pool)
    .await?;
    let mut events: Vec<(Event, Alert)> = alerts.into_iter().map(|alert| (Event::Fire, alert)).collect();
    let over = sqlx::query_as!(
        Alert,
        r#"SELECT id, rule, subject, severity, message, fired_at, last_seen, resolved_at FROM alerts
            WHERE resolved_at > $1 AND resolve_told_at IS NULL AND (fire_told_at IS NOT NULL OR fired_at > $1)
            ORDER BY resolved_at, id"#,
        now - NEWS
    )
    .fetch_all(pool)
    .await?;
    events.extend(over.into_iter().map(|alert| (Event::Resolve, alert)));
    let when = |(event, alert): &(Event, Alert)| match event {
        Event::Fire => alert.fired_at,
        Event::Resolve => alert.resolved_at.unwrap_or(alert.fired_at),
    };
    events.sort_by_key(|told| (when(told), told.1.id));
    Ok(events)
}

/// Notes that the webhook has told something.
///
/// # Errors
/// When the database refuses or is away.
pub async fn told(pool: &PgPool, event: Event, id: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    match event {
        Event::Fire => {
            sqlx::query!("UPDATE alerts SET fire_told_at = $2 WHERE id = $1", id, now).execute(pool).await?
        }
        Event::Resolve => {
            sqlx::query!("UPDATE alerts SET resolve_told_at = $2 WHERE id = $1", id, now)
                .execute(pool)
                .await?
        }
    };
    Ok(())
}

/// Removes what was over before `cutoff`. With `dry_run` it only counts.
///
/// # Errors
/// When the database refuses or is away.
pub async fn remove_before(pool: &PgPool, cutoff: DateTime<Utc>, dry_run: bool) -> sqlx::Result<i64> {
    if dry_run {
        return sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM alerts WHERE resolved_at < $1"#,
            cutoff
        )
        .fetch_one(pool)
        .await;
    }
    let done = sqlx::query!("DELETE FROM alerts WHERE resolved_at < $1", cutoff).execute(pool).await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}
