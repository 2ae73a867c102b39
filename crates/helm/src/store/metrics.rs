//! `service_metrics`: samples of the last day, averages of what is older (helm.md §5.3).

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;

use crate::domain::{metric_filter::MetricFilter, sample::Reading};

/// Samples are kept this long; then one row for [`ROLLED_UP_MINUTES`] takes their place.
const SAMPLES_KEPT: TimeDelta = TimeDelta::hours(24);
/// Minutes of a rolled-up row.
const ROLLED_UP_MINUTES: i32 = 5;
/// Rows deleted at a time.
const BATCH: i64 = 5_000;

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MetricRow {
    /// Rises with the order of storing.
    pub id: i64,
    /// Whose sample it is.
    pub service_name: String,
    /// When it was taken; of an average the beginning of its five minutes.
    pub timestamp: DateTime<Utc>,
    /// `cpu_percent`, `memory_mb` or `health_latency_ms`.
    pub metric_name: String,
    /// Percent of one processor, MiB or milliseconds.
    pub metric_value: f64,
    /// Null for a sample; of an average `minutes`, `samples`, `least` and `most`.
    pub tags: Option<Value>,
}

/// Stores the readings of one moment.
///
/// # Errors
/// When the database refuses or is away.
pub async fn insert(pool: &PgPool, at: DateTime<Utc>, readings: &[Reading]) -> sqlx::Result<()> {
    let services: Vec<String> = readings.iter().map(|reading| reading.service.clone()).collect();
    let names: Vec<String> = readings.iter().map(|reading| reading.metric.to_owned()).collect();
    let values: Vec<f64> = readings.iter().map(|reading| reading.value).collect();
    sqlx::query!(
        r#"INSERT INTO service_metrics (service_name, "timestamp", metric_name, metric_value)
           SELECT service, $1, name, value FROM unnest($2::text[], $3::text[], $4::float8[]) AS reading (service, name, value)"#,
        at,
        &services,
        &names,
        &values
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The rows of one service that a filter asks for, newest first.
///
/// # Errors
/// When the database refuses or is away.
pub async fn search(pool: &PgPool, service: &str, filter: &MetricFilter) -> sqlx::Result<Vec<MetricRow>> {
    sqlx::query_as!(
        MetricRow,
        r#"SELECT id, service_name, "timestamp", metric_name, metric_value, tags FROM service_metrics
            WHERE service_name = $1 AND "timestamp" BETWEEN $2 AND $3 AND ($4::text IS NULL OR metric_name = $4)
            ORDER BY "timestamp" DESC, id DESC LIMIT $5"#,
        service,
        filter.start,
        filter.end,
        filter.metric_name,
        filter.limit
    )
    .fetch_all(pool)
    .await
}

/// The average of a metric in one span of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Beginning of the span.
    pub at: DateTime<Utc>,
    /// `cpu_percent`, `memory_mb` or `health_latency_ms`.
    pub metric: String,
    /// Average of its samples.
    pub value: f64,
}

/// Averages of all metrics of a service in spans of so many minutes, oldest first. Spans without a sample are left out.
///
/// # Errors
/// When the database refuses or is away.
pub async fn history(
    pool: &PgPool,
    service: &str,
    since: DateTime<Utc>,
    minutes: i32,
) -> sqlx::Result<Vec<Point>> {
    sqlx::query_as!(
        Point,
        r#"SELECT date_bin(make_interval(mins => $3), "timestamp", 'epoch'::timestamptz) AS "at!", metric_name AS metric,
                  avg(metric_value) AS "value!"
             FROM service_metrics WHERE service_name = $1 AND "timestamp" >= $2
            GROUP BY 1, metric_name ORDER BY 1"#,
        service,
        since,
        minutes
    )
    .fetch_all(pool)
    .await
}

/// Puts one row for five minutes in the place of samples that are older than a day. Returns how many samples went.
///
/// # Errors
/// When the database refuses or is away; then nothing has changed.
pub async fn roll_up(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let span = TimeDelta::minutes(ROLLED_UP_MINUTES.into());
    // Only whole spans: a half one would become two rows.
    let Ok(before) = (now - SAMPLES_KEPT).duration_trunc(span) else { return Ok(0) };
    sqlx::query_scalar!(
        r#"WITH old AS (
               DELETE FROM service_metrics WHERE "timestamp" < $1 AND tags IS NULL
               RETURNING service_name, "timestamp", metric_name, metric_value
           ), rolled_up AS (
               INSERT INTO service_metrics (service_name, "timestamp", metric_name, metric_value, tags)
               SELECT service_name, date_bin(make_interval(mins => $2), "timestamp", 'epoch'::timestamptz), metric_name,
                      avg(metric_value),
                      jsonb_build_object('minutes', $2, 'samples', count(*), 'least', min(metric_value),
                                         'most', max(metric_value))
                 FROM old GROUP BY 1, 2, 3 ORDER BY 2
           )
           SELECT count(*) AS "count!" FROM old"#,
        before,
        ROLLED_UP_MINUTES
    )
    .fetch_one(pool)
    .await
}

/// Removes rows from before `cutoff`, a few at a time. With `dry_run` it only counts.
///
/// # Errors
/// When the database refuses or is away; what was removed before that stays removed.
pub async fn remove_before(pool: &PgPool, cutoff: DateTime<Utc>, dry_run: bool) -> sqlx::Result<i64> {
    if dry_run {
        return sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM service_metrics WHERE "timestamp" < $1"#,
            cutoff
        )
        .fetch_one(pool)
        .await;
    }
    let mut removed = 0;
    loop {
        let deleted = sqlx::query!(
            r#"DELETE FROM service_metrics WHERE id IN (SELECT id FROM service_metrics WHERE "timestamp" < $1 LIMIT $2)"#,
            cutoff,
            BATCH
        )
        .execute(pool)
        .await?
        .rows_affected();
        if deleted == 0 {
            return Ok(removed);
        }
        removed += i64::try_from(deleted).unwrap_or(i64::MAX);
    }
}
