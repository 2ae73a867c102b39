//! How backup and patches of a device stood over time: a row for each day on which something was not as before.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};

/// Days that can be looked back.
pub const KEPT_DAYS: i64 = 400;

/// How it stood from a day on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The first day of it.
    pub day: NaiveDate,
    /// Terabytes in the backup, with two places; none while no backup was reported.
    pub backup_usage_tb: Option<Decimal>,
    /// How it stood with patches, in the RMM's words.
    pub patch_status: Option<String>,
}

/// Writes down how these devices of an RMM stand now, where that is not as it was. A day has one row, however often it changes.
///
/// # Errors
/// When the database cannot be written.
pub async fn record(
    conn: &mut PgConnection,
    provider: &str,
    uids: &[String],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into asset_history (asset_id, day, backup_usage_tb, patch_status)
         select a.id, $3, round(a.backup_usage_tb, 2), nullif(a.patch_status, '')
         from assets a
         left join lateral (
             select h.backup_usage_tb, h.patch_status from asset_history h
             where h.asset_id = a.id order by h.day desc limit 1) last on true
         where a.rmm_provider = $1 and a.external_id = any ($2)
           and (round(a.backup_usage_tb, 2), nullif(a.patch_status, ''))
               is distinct from (last.backup_usage_tb, last.patch_status)
         on conflict (asset_id, day) do update set
             backup_usage_tb = excluded.backup_usage_tb, patch_status = excluded.patch_status",
        provider,
        uids,
        now.date_naive()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what is older than can be looked back, but for how each device stood at the beginning of that time.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(pool: &PgPool, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from asset_history h where h.day < $1 and exists (
             select from asset_history later
             where later.asset_id = h.asset_id and later.day > h.day and later.day <= $1)",
        (now - TimeDelta::days(KEPT_DAYS)).date_naive()
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// The history of a device, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of(pool: &PgPool, asset: i64) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        "select day, backup_usage_tb, patch_status from asset_history where asset_id = $1 order by day desc",
        asset
    )
    .fetch_all(pool)
    .await
}
