//! The days of the log: partitions before they are needed, and the end of old ones (helm.md §5.4).

use chrono::{DateTime, Days, NaiveDate, Utc};
use hivematrix_shared::db::LOCK_PATIENCE;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

/// Rows deleted at a time where a whole partition cannot be dropped.
const BATCH: i64 = 5_000;
/// Beginning of the name of a day's partition; the day follows as `YYYYMMDD`.
const PREFIX: &str = "log_entries_";

/// Makes the partitions of a day and the two after it. While a backup reads the log it fails: see [`alone`].
///
/// # Errors
/// When the database refuses or is away.
pub async fn ensure_around(pool: &PgPool, day: NaiveDate) -> sqlx::Result<()> {
    for ahead in 0..=2 {
        let Some(day) = day.checked_add_days(Days::new(ahead)) else { continue };
        let mut tx = alone(pool).await?;
        sqlx::query!("SELECT ensure_log_partition($1)", day).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A transaction that changes the table itself, and gives up where somebody goes on reading it.
async fn alone(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT set_config('lock_timeout', $1, true)").bind(LOCK_PATIENCE).execute(&mut *tx).await?;
    Ok(tx)
}

/// What a cleanup did, or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleanup {
    /// Whole days dropped.
    pub partitions: usize,
    /// Rows in them.
    pub dropped_rows: i64,
    /// Rows deleted one by one.
    pub deleted_rows: i64,
}

/// Removes rows whose timestamp is before `cutoff`: whole partitions are dropped, the rest is deleted in batches. With
/// `dry_run` it only counts.
///
/// # Errors
/// When the database refuses or is away, or somebody reads the log as a whole; what was removed before that stays removed.
pub async fn remove_before(pool: &PgPool, cutoff: DateTime<Utc>, dry_run: bool) -> sqlx::Result<Cleanup> {
    let mut done = Cleanup::default();
    for (partition, day) in partitions(pool).await? {
        let is_old =
            day.succ_opt().is_some_and(|next| next.and_time(chrono::NaiveTime::MIN).and_utc() <= cutoff);
        if !is_old {
            continue;
        }
        // The name is one of the catalogue's that has the form checked in `partitions`.
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {partition}")))
            .fetch_one(pool)
            .await?;
        done.partitions += 1;
        done.dropped_rows += rows;
        if !dry_run {
            let mut tx = alone(pool).await?;
            sqlx::raw_sql(AssertSqlSafe(format!("DROP TABLE {partition}"))).execute(&mut *tx).await?;
            tx.commit().await?;
        }
    }
    if dry_run {
        let left = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM log_entries WHERE "timestamp" < $1"#,
            cutoff
        )
        .fetch_one(pool)
        .await?;
        done.deleted_rows = left - done.dropped_rows;
        return Ok(done);
    }
    loop {
        let deleted = sqlx::query!(
            r#"DELETE FROM log_entries WHERE (id, "timestamp") IN
                 (SELECT id, "timestamp" FROM log_entries WHERE "timestamp" < $1 LIMIT $2)"#,
            cutoff,
            BATCH
        )
        .execute(pool)
        .await?
        .rows_affected();
        if deleted == 0 {
            return Ok(done);
        }
        done.deleted_rows += i64::try_from(deleted).unwrap_or(i64::MAX);
    }
}

/// The partitions of single days, oldest first.
async fn partitions(pool: &PgPool) -> sqlx::Result<Vec<(String, NaiveDate)>> {
    let names = sqlx::query_scalar!(
        r#"SELECT child.relname::text AS "name!" FROM pg_inherits
             JOIN pg_class child ON child.oid = inhrelid
            WHERE inhparent = 'log_entries'::regclass ORDER BY 1"#
    )
    .fetch_all(pool)
    .await?;
    let day = |name: &str| NaiveDate::parse_from_str(name.strip_prefix(PREFIX)?, "%Y%m%d").ok();
    Ok(names.into_iter().filter_map(|name| day(&name).map(|day| (name, day))).collect())
}
