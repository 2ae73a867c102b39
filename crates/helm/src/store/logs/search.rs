//! Searching the log by every member of a filter.

use std::time::Duration;

use serde_json::Value;
use sqlx::{PgPool, Postgres, QueryBuilder, Transaction};

use super::{COLUMNS, LogRow, SHORT_CORRELATION};
use crate::domain::log_filter::{LogFilter, Order, contains_pattern};

/// The rows that a filter asks for. A tail wants `up_to_id` of [`settled`](super::settled).
///
/// # Errors
/// When the database refuses or is away.
pub async fn search(pool: &PgPool, filter: &LogFilter) -> sqlx::Result<Vec<LogRow>> {
    Search::new(pool, filter).await?.rows().await
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

/// A filter that can be asked for its rows and for their number, at the same time. Whom it names was looked up before.
pub struct Search<'a> {
    pool: &'a PgPool,
    filter: &'a LogFilter,
    users: Option<Vec<String>>,
}

impl<'a> Search<'a> {
    /// Prepares what is asked for.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub async fn new(pool: &'a PgPool, filter: &'a LogFilter) -> sqlx::Result<Self> {
        Ok(Self { pool, filter, users: users(pool, filter).await? })
    }

    /// The rows, as the filter orders and limits them.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub async fn rows(&self) -> sqlx::Result<Vec<LogRow>> {
        let filter = self.filter;
        let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM log_entries"));
        narrow(&mut query, filter, self.users.as_deref());
        query.push(match (filter.order, filter.after_id) {
            // The live tail goes by the order of storing: late rows must not be skipped.
            (Order::Ascending, Some(_)) => " ORDER BY id",
            (Order::Descending, Some(_)) => " ORDER BY id DESC",
            (Order::Ascending, None) => r#" ORDER BY "timestamp", id"#,
            (Order::Descending, None) => r#" ORDER BY "timestamp" DESC, id DESC"#,
        });
        query.push(" LIMIT ").push_bind(filter.limit).push(" OFFSET ").push_bind(filter.offset);
        let mut transaction = self.begin().await?;
        let rows = query.build_query_as().fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    /// Lines lie in the order of their time, and the newest ones in memory. Of an index by service and time PostgreSQL cannot
    /// know that, and reads the lines of all services instead.
    async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        let mut transaction = self.pool.begin().await?;
        sqlx::raw_sql("SET LOCAL random_page_cost = 1.1").execute(&mut *transaction).await?;
        Ok(transaction)
    }

    /// How many rows there are in all, cursor and offset apart; a guess where counting takes longer than `patience`.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub async fn count(&self, patience: Duration) -> sqlx::Result<Total> {
        let filter = LogFilter { cursor: None, ..self.filter.clone() };
        let mut exact = QueryBuilder::new("SELECT count(*) FROM log_entries");
        narrow(&mut exact, &filter, self.users.as_deref());
        let mut transaction = self.begin().await?;
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
        narrow(&mut plan, &filter, self.users.as_deref());
        let plan: Value = plan.build_query_scalar().fetch_one(self.pool).await?;
        let rows = plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_f64).unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "a guess far below 2^53")]
        Ok(Total { rows: rows as i64, is_estimate: true })
    }
}

/// Names in the log beyond which a part of a name is compared line by line.
const MOST_USERS: i32 = 1000;

/// Who is meant by a part of a name: all whose names hold it. With their names PostgreSQL knows whether to walk back in time or
/// to take their lines together, so that somebody who was there once, or never, is found as fast as everybody else. None where
/// nobody is asked for, where the log knows too many names, and for a live tail, which has few lines to look at.
async fn users(pool: &PgPool, filter: &LogFilter) -> sqlx::Result<Option<Vec<String>>> {
    let Some(part) = filter.user.as_deref().filter(|_| filter.after_id.is_none()) else { return Ok(None) };
    let names = sqlx::query!(
        r#"WITH RECURSIVE known AS (
             (SELECT user_email FROM log_entries WHERE user_email IS NOT NULL ORDER BY user_email LIMIT 1)
             UNION ALL
             SELECT (SELECT next.user_email FROM log_entries next WHERE next.user_email > known.user_email
                      ORDER BY next.user_email LIMIT 1)
               FROM known WHERE known.user_email IS NOT NULL
           ), first AS MATERIALIZED (SELECT user_email FROM known WHERE user_email IS NOT NULL LIMIT $2 + 1)
           SELECT (SELECT count(*) FROM first) AS "known!",
                  ARRAY(SELECT user_email::text FROM first WHERE user_email ILIKE $1) AS "named!""#,
        contains_pattern(part),
        MOST_USERS
    )
    .fetch_one(pool)
    .await?;
    Ok((names.known <= i64::from(MOST_USERS)).then_some(names.named))
}

/// Adds the filter's conditions; `users` are the names that its part of a name stands for, where they are known.
fn narrow(query: &mut QueryBuilder<Postgres>, filter: &LogFilter, users: Option<&[String]>) {
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
    match (users, &filter.user) {
        (Some(users), _) => {
            next(query, "user_email = ANY(");
            query.push_bind(users.to_vec()).push(")");
        }
        (None, Some(user)) => {
            next(query, "user_email ILIKE ");
            query.push_bind(contains_pattern(user));
        }
        (None, None) => {}
    }
    if let Some(text) = &filter.search {
        next(query, "message ILIKE ");
        match rare_part(text) {
            Some(part) => {
                query.push_bind(contains_pattern(part)).push(" AND strpos(lower(message), lower(");
                query.push_bind(text.clone()).push(")) > 0");
            }
            None => {
                query.push_bind(contains_pattern(text));
            }
        }
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

/// Characters of a [`rare_part`].
const PART: usize = 6;
/// Digits that make it rare enough.
const DIGITS: usize = 3;

/// A part of a text that few lines hold, to ask the index by; the lines that it finds are compared with the whole text. The
/// index has a list of lines for each three characters in a row and reads the lists of all of them, which are long for those of
/// ordinary words and short for those of numbers. None where all of the text is as good.
fn rare_part(text: &str) -> Option<&str> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    if starts.len() <= PART {
        return None;
    }
    let end = |last: usize| starts.get(last).copied().unwrap_or(text.len());
    let parts = (0..=starts.len() - PART).map(|first| &text[starts[first]..end(first + PART)]);
    let digits = |part: &&str| part.bytes().filter(u8::is_ascii_digit).count();
    parts.max_by_key(digits).filter(|part| digits(part) >= DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_a_text_is_found_by() {
        for (text, part) in [
            ("companies/4711", Some("s/4711")),
            ("INC-2025-004711 was closed", Some("004711")),
            ("größe 4711 äöü", Some("4711 ä")),
            ("4711", None),
            ("a request of 12 lines", None),
            ("nothing-like-this", None),
            ("", None),
        ] {
            assert_eq!(rare_part(text), part, "{text}");
        }
    }
}
