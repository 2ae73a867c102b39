//! `log_entries`: rows come in, are searched, and are never changed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::domain::{
    log_entry::NewLogEntry,
    log_filter::{Cursor, LogFilter, Order, contains_pattern},
};

/// One stored row.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct LogRow {
    /// Rises with the order of storing.
    pub id: i64,
    /// Who wrote it.
    pub service: String,
    /// One of the five levels.
    pub level: String,
    /// The text.
    pub message: String,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// The request it belongs to.
    pub correlation_id: Option<String>,
    /// Who acted.
    pub user_email: Option<String>,
    /// Path, method and other values.
    pub extra_data: Option<Value>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// Machine of the writer.
    pub hostname: Option<String>,
    /// Process of the writer.
    pub process_id: Option<i32>,
}

impl LogRow {
    /// Where a page that ends with this row goes on.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { timestamp: self.timestamp, id: self.id }
    }
}

/// As many characters of a correlation id are shown in lines and tables.
pub const SHORT_CORRELATION: usize = 8;

const COLUMNS: &str = r#"id, service, level, message, "timestamp", correlation_id, user_email, extra_data, created_at, hostname, process_id"#;

/// Writers share this advisory lock; who holds it alone knows that no id is drawn and not yet to be seen.
const WRITERS: i64 = 0x4c4f_4753;
/// A tail never queues for the lock, or writers would wait behind it: it tries, for two seconds.
const TRIES: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Stores a batch in one transaction, all or nothing, in the order of the batch. Returns the ids.
///
/// # Errors
/// When the database refuses or is away.
pub async fn insert(pool: &PgPool, entries: &[NewLogEntry]) -> sqlx::Result<Vec<i64>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let column = |pick: fn(&NewLogEntry) -> &str| -> Vec<String> {
        entries.iter().map(|entry| pick(entry).to_owned()).collect()
    };
    let services = column(|entry| &entry.service);
    let levels = column(|entry| entry.level);
    let messages = column(|entry| &entry.message);
    let timestamps: Vec<DateTime<Utc>> = entries.iter().map(|entry| entry.timestamp).collect();
    let correlation_ids: Vec<Option<String>> = entries.iter().map(|e| e.correlation_id.clone()).collect();
    let users: Vec<Option<String>> = entries.iter().map(|e| e.user_email.clone()).collect();
    let extras: Vec<Option<Value>> = entries.iter().map(|e| e.extra_data.clone()).collect();
    let hostnames: Vec<Option<String>> = entries.iter().map(|e| e.hostname.clone()).collect();
    let process_ids: Vec<Option<i32>> = entries.iter().map(|e| e.process_id).collect();
    let mut transaction = pool.begin().await?;
    sqlx::query!("SELECT pg_advisory_xact_lock_shared($1)", WRITERS).fetch_one(&mut *transaction).await?;
    let ids = sqlx::query_scalar!(
        r#"INSERT INTO log_entries
             (service, level, message, "timestamp", correlation_id, user_email, extra_data, hostname, process_id)
           SELECT service, level, message, "timestamp", correlation_id, user_email, extra_data, hostname, process_id
             FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::jsonb[],
                         $8::text[], $9::int[])
               WITH ORDINALITY AS entry (service, level, message, "timestamp", correlation_id, user_email, extra_data,
                         hostname, process_id, position)
            ORDER BY position
           RETURNING id"#,
        &services,
        &levels,
        &messages,
        &timestamps,
        &correlation_ids as _,
        &users as _,
        &extras as _,
        &hostnames as _,
        &process_ids as _,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(ids)
}

/// Where a live tail may read to: up to this id no line will appear any more. Ids are drawn before they can be seen, so that
/// a tail that goes by what it sees would pass over the lines of a slower writer.
///
/// # Errors
/// When the database refuses or is away.
pub async fn settled(pool: &PgPool) -> sqlx::Result<i64> {
    for _ in 0..TRIES {
        let mut alone = pool.begin().await?;
        let is_alone = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "is_alone!""#, WRITERS)
            .fetch_one(&mut *alone)
            .await?;
        if is_alone {
            let last = sqlx::query_scalar!(
                "SELECT pg_sequence_last_value(pg_get_serial_sequence('log_entries', 'id')::regclass)"
            )
            .fetch_one(&mut *alone)
            .await?;
            alone.commit().await?;
            return Ok(last.unwrap_or(0));
        }
        alone.rollback().await?;
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    // Writers without end, or one that hangs. What has lain there for a while is shown all the same.
    sqlx::query_scalar!(
        r#"SELECT coalesce(max(id), 0) AS "id!" FROM log_entries WHERE created_at < now() - interval '10 seconds'"#
    )
    .fetch_one(pool)
    .await
}

/// One row.
///
/// # Errors
/// When the database refuses or is away.
pub async fn get(pool: &PgPool, id: i64) -> sqlx::Result<Option<LogRow>> {
    sqlx::query_as!(
        LogRow,
        r#"SELECT id, service, level, message, "timestamp", correlation_id, user_email, extra_data, created_at,
                  hostname, process_id
             FROM log_entries WHERE id = $1"#,
        id
    )
    .fetch_optional(pool)
    .await
}

/// All rows of one correlation id, oldest first, at most `limit`.
///
/// # Errors
/// When the database refuses or is away.
pub async fn chain(pool: &PgPool, correlation_id: &str, limit: i64) -> sqlx::Result<Vec<LogRow>> {
    sqlx::query_as!(
        LogRow,
        r#"SELECT id, service, level, message, "timestamp", correlation_id, user_email, extra_data, created_at,
                  hostname, process_id
             FROM log_entries WHERE correlation_id = $1 ORDER BY "timestamp", id LIMIT $2"#,
        correlation_id,
        limit
    )
    .fetch_all(pool)
    .await
}

/// The rows that a filter asks for. A tail wants `up_to_id` of [`settled`].
///
/// # Errors
/// When the database refuses or is away.
pub async fn search(pool: &PgPool, filter: &LogFilter) -> sqlx::Result<Vec<LogRow>> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM log_entries"));
    narrow(&mut query, filter);
    query.push(match (filter.order, filter.after_id) {
        // The live tail goes by the order of storing: late rows must not be skipped.
        (Order::Ascending, Some(_)) => " ORDER BY id",
        (Order::Descending, Some(_)) => " ORDER BY id DESC",
        (Order::Ascending, None) => r#" ORDER BY "timestamp", id"#,
        (Order::Descending, None) => r#" ORDER BY "timestamp" DESC, id DESC"#,
    });
    query.push(" LIMIT ").push_bind(filter.limit).push(" OFFSET ").push_bind(filter.offset);
    query.build_query_as().fetch_all(pool).await
}

/// How many rows a filter finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// How many.
    pub rows: i64,
    /// Counting would have taken too long: this is the planner's guess.
    pub is_estimate: bool,
}

/// SQLSTATE of a statement that ran out of time.
const TIMED_OUT: &str = "57014";

/// How many rows a filter finds in all, cursor and offset apart; a guess where counting takes longer than `patience`.
///
/// # Errors
/// When the database refuses or is away.
pub async fn count(pool: &PgPool, filter: &LogFilter, patience: Duration) -> sqlx::Result<Total> {
    let filter = LogFilter { cursor: None, ..filter.clone() };
    let mut exact = QueryBuilder::new("SELECT count(*) FROM log_entries");
    narrow(&mut exact, &filter);
    let mut transaction = pool.begin().await?;
    let patience = format!("{}ms", patience.as_millis().max(1));
    sqlx::query!("SELECT set_config('statement_timeout', $1, true)", patience)
        .fetch_one(&mut *transaction)
        .await?;
    match exact.build_query_scalar().fetch_one(&mut *transaction).await {
        Ok(rows) => {
            transaction.commit().await?;
            return Ok(Total { rows, is_estimate: false });
        }
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(TIMED_OUT) => {}
        Err(error) => return Err(error),
    }
    transaction.rollback().await?;
    let mut plan = QueryBuilder::new("EXPLAIN (FORMAT JSON) SELECT FROM log_entries");
    narrow(&mut plan, &filter);
    let plan: Value = plan.build_query_scalar().fetch_one(pool).await?;
    let rows = plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_f64).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "a guess far below 2^53")]
    Ok(Total { rows: rows as i64, is_estimate: true })
}

fn narrow(query: &mut QueryBuilder<Postgres>, filter: &LogFilter) {
    let mut separator = " WHERE ";
    let mut next = |query: &mut QueryBuilder<Postgres>, condition: &str| {
        query.push(separator).push(condition);
        separator = " AND ";
    };
    if let Some(service) = &filter.service {
        next(query, "service = ");
        query.push_bind(service.clone());
    }
    if let Some(level) = filter.level {
        next(query, "level = ");
        query.push_bind(level);
    }
    if let Some(id) = &filter.correlation_id {
        // Lines show the first eight characters, so these are enough to ask by.
        let shown = id.len() == SHORT_CORRELATION && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        next(query, if shown { "correlation_id ^@ " } else { "correlation_id = " });
        query.push_bind(id.clone());
    }
    if let Some(user) = &filter.user {
        next(query, "user_email ILIKE ");
        query.push_bind(contains_pattern(user));
    }
    if let Some(text) = &filter.search {
        next(query, "message ILIKE ");
        query.push_bind(contains_pattern(text));
    }
    if let Some(words) = &filter.words {
        next(query, "to_tsvector('simple', message) @@ websearch_to_tsquery('simple', ");
        query.push_bind(words.clone()).push(")");
    }
    if let Some(start) = filter.start {
        next(query, r#""timestamp" >= "#);
        query.push_bind(start);
    }
    if let Some(end) = filter.end {
        next(query, r#""timestamp" <= "#);
        query.push_bind(end);
    }
    if let Some(after) = filter.after_id {
        next(query, "id > ");
        query.push_bind(after);
    }
    if let Some(last) = filter.up_to_id {
        next(query, "id <= ");
        query.push_bind(last);
    }
    if let Some(cursor) = filter.cursor {
        next(query, r#"("timestamp", id) "#);
        query.push(if filter.order == Order::Ascending { "> (" } else { "< (" });
        query.push_bind(cursor.timestamp).push(", ").push_bind(cursor.id).push(")");
    }
}

/// Rows per service and level since a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelCount {
    /// Who wrote them.
    pub service: String,
    /// One of the five levels.
    pub level: String,
    /// How many.
    pub count: i64,
}

/// Counts rows per service and level since `since`.
///
/// # Errors
/// When the database refuses or is away.
pub async fn level_counts(pool: &PgPool, since: DateTime<Utc>) -> sqlx::Result<Vec<LevelCount>> {
    sqlx::query_as!(
        LevelCount,
        r#"SELECT service, level, count(*) AS "count!" FROM log_entries
            WHERE "timestamp" >= $1 GROUP BY service, level ORDER BY service, level"#,
        since
    )
    .fetch_all(pool)
    .await
}
