//! `log_entries`: rows come in, are searched, and are never changed.

mod search;

use std::time::Duration;

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::helm::LogObject;
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

pub use self::search::{Search, Total, search};
use crate::domain::{log_entry::NewLogEntry, log_filter::Cursor};

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

impl From<LogRow> for LogObject {
    fn from(row: LogRow) -> Self {
        Self {
            id: row.id,
            timestamp: row.timestamp,
            created_at: row.created_at,
            service_name: row.service.clone(),
            service: row.service,
            level: row.level,
            message: row.message,
            trace_id: row.correlation_id.clone(),
            correlation_id: row.correlation_id,
            user_id: row.user_email.clone(),
            user_email: row.user_email,
            context: row.extra_data.clone(),
            extra_data: row.extra_data,
            hostname: row.hostname,
            process_id: row.process_id,
        }
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

/// Stores a batch in one transaction, all or nothing, in the order of the batch. Numbered entries that are there already
/// stay as they are. Returns the ids of those that were not.
///
/// # Errors
/// When the database refuses or is away.
pub async fn insert(pool: &PgPool, entries: &[NewLogEntry]) -> sqlx::Result<Vec<i64>> {
    let mut transaction = pool.begin().await?;
    let ids = insert_in(&mut transaction, entries).await?;
    transaction.commit().await?;
    Ok(ids)
}

/// [`insert`] as a part of a larger transaction.
pub(super) async fn insert_in(
    connection: &mut PgConnection,
    entries: &[NewLogEntry],
) -> sqlx::Result<Vec<i64>> {
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
    let sources: Vec<Option<Uuid>> = entries.iter().map(|e| e.number.map(|number| number.source)).collect();
    let seqs: Vec<Option<i64>> = entries.iter().map(|e| e.number.map(|number| number.seq)).collect();
    sqlx::query!("SELECT pg_advisory_xact_lock_shared($1)", WRITERS).fetch_one(&mut *connection).await?;
    sqlx::query_scalar!(
        r#"INSERT INTO log_entries
             (service, level, message, "timestamp", correlation_id, user_email, extra_data, hostname, process_id, source, seq)
           SELECT service, level, message, "timestamp", correlation_id, user_email, extra_data, hostname, process_id, source,
                  seq
             FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::jsonb[],
                         $8::text[], $9::int[], $10::uuid[], $11::bigint[])
               WITH ORDINALITY AS entry (service, level, message, "timestamp", correlation_id, user_email, extra_data,
                         hostname, process_id, source, seq, position)
            ORDER BY position
               ON CONFLICT DO NOTHING
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
        &sources as _,
        &seqs as _,
    )
    .fetch_all(&mut *connection)
    .await
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

/// The part of one service in a correlation chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Whose.
    pub service: String,
    /// How many rows.
    pub count: i64,
    /// Time of its first row.
    pub first: DateTime<Utc>,
    /// Time of its last row.
    pub last: DateTime<Utc>,
}

/// How far a correlation chain reaches, by service, in the order in which they first appear.
///
/// # Errors
/// When the database refuses or is away.
pub async fn extent(pool: &PgPool, correlation_id: &str) -> sqlx::Result<Vec<Extent>> {
    sqlx::query_as!(
        Extent,
        r#"SELECT service, count(*) AS "count!", min("timestamp") AS "first!", max("timestamp") AS "last!"
             FROM log_entries WHERE correlation_id = $1
            GROUP BY service ORDER BY min("timestamp"), min(id)"#,
        correlation_id
    )
    .fetch_all(pool)
    .await
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
