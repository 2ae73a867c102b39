//! Writing assets (codex-api.md §7.1).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::sync_tickets::Written;
use crate::providers::RmmDevice;

/// An asset as it is written: the vendor's row and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssetRow {
    /// The vendor's row.
    #[serde(flatten)]
    pub device: RmmDevice,
    /// Account number of the company its site belongs to.
    pub company: String,
}

/// An asset that is stored and was not met by a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Database id.
    pub id: i64,
    /// The vendor's uid.
    pub external_id: String,
    /// Host name.
    pub hostname: String,
}

/// A run that reads all assets, as it is kept between pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetRun {
    /// Names the run.
    pub id: Uuid,
    /// When it began; whatever it has met carries a later mark.
    pub started_at: DateTime<Utc>,
    /// The site being read and its next page, `None` when it is done; sites are read in the order of their uids.
    pub next: Option<(String, Option<u32>)>,
    /// Whether all sites before could be listed to their end.
    pub complete: bool,
}

/// The run that was begun and has not ended.
///
/// # Errors
/// When the database cannot be read.
pub async fn load_run(pool: &PgPool, provider: &str) -> sqlx::Result<Option<AssetRun>> {
    let run = sqlx::query_scalar!("select run from rmm_runs where provider = $1", provider)
        .fetch_optional(pool)
        .await?;
    // One that another version wrote and this one cannot read only means to start again.
    Ok(run.and_then(|run| serde_json::from_value(run).ok()))
}

/// Keeps where a run goes on; part of the transaction that stores the page before.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep_run(conn: &mut PgConnection, provider: &str, run: &AssetRun) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rmm_runs (provider, run) values ($1, $2) on conflict (provider) do update set run = excluded.run",
        provider,
        sqlx::types::Json(run) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The run has ended.
///
/// # Errors
/// When the database cannot be written.
pub async fn end_run(conn: &mut PgConnection, provider: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from rmm_runs where provider = $1", provider).execute(conn).await?;
    Ok(())
}

/// Gives rows from before uids were kept the uid of the one device of their host name, where there is no doubt which.
///
/// # Errors
/// When the database cannot be written.
pub async fn adopt(conn: &mut PgConnection, provider: &str, rows: &[AssetRow]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        with fresh as (
            select i.external_id, i.hostname, i.company
            from jsonb_to_recordset($1) as i (external_id text, hostname text, company text)
            where not exists (select from assets a where a.rmm_provider = $2 and a.external_id = i.external_id)
        ), pairs as (
            select f.external_id, a.id, count(*) over (partition by f.external_id) as rows,
                count(*) over (partition by a.id) as devices
            from fresh f
            join assets a on a.company_account_number = f.company and lower(a.hostname) = lower(f.hostname)
                and a.external_id is null and coalesce(a.rmm_provider, $2) = $2
        )
        update assets a set rmm_provider = $2, external_id = p.external_id
        from pairs p where p.id = a.id and p.rows = 1 and p.devices = 1
        "#,
        sqlx::types::Json(rows) as _,
        provider
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Stores assets under their uids, wherever they were before.
///
/// # Errors
/// When the database refuses a row or cannot be reached.
pub async fn upsert(
    conn: &mut PgConnection,
    provider: &str,
    rows: &[AssetRow],
    now: DateTime<Utc>,
) -> sqlx::Result<Written> {
    let rows = sqlx::query_scalar!(
        r#"
        insert into assets (
            rmm_provider, external_id, company_account_number, rmm_site_uid, rmm_synced_at,
            rmm_site_name, hostname, hardware_type, device_type, operating_system, last_logged_in_user,
            domain, description, online, int_ip_address, ext_ip_address, last_seen, last_reboot,
            last_audit_date, antivirus_product, patch_status, portal_url, web_remote_url,
            enabled_administrators, backup_usage_tb, udf1, udf2, udf3, udf4, udf5, udf6, udf7, udf8, udf9,
            udf10, udf11, udf12, udf13, udf14, udf15, udf16, udf17, udf18, udf19, udf20, udf21, udf22, udf23,
            udf24, udf25, udf26, udf27, udf28, udf29, udf30)
        select
            $2, i.external_id, i.company, i.site_id, $3,
            i.rmm_site_name, i.hostname, i.hardware_type, i.device_type, i.operating_system,
            i.last_logged_in_user, i.domain, i.description, i.online, i.int_ip_address, i.ext_ip_address,
            i.last_seen, i.last_reboot, i.last_audit_date, i.antivirus_product, i.patch_status, i.portal_url,
            i.web_remote_url, i.enabled_administrators, i.backup_usage_tb, i.udf ->> '1', i.udf ->> '2', i.udf
            ->> '3', i.udf ->> '4', i.udf ->> '5', i.udf ->> '6', i.udf ->> '7', i.udf ->> '8', i.udf ->> '9',
            i.udf ->> '10', i.udf ->> '11', i.udf ->> '12', i.udf ->> '13', i.udf ->> '14', i.udf ->> '15',
            i.udf ->> '16', i.udf ->> '17', i.udf ->> '18', i.udf ->> '19', i.udf ->> '20', i.udf ->> '21',
            i.udf ->> '22', i.udf ->> '23', i.udf ->> '24', i.udf ->> '25', i.udf ->> '26', i.udf ->> '27',
            i.udf ->> '28', i.udf ->> '29', i.udf ->> '30'
        from jsonb_to_recordset($1) as i (
            external_id text, company text, site_id text, udf jsonb,
            rmm_site_name text, hostname text, hardware_type text, device_type text, operating_system text,
            last_logged_in_user text, domain text, description text, online boolean, int_ip_address text,
            ext_ip_address text, last_seen timestamptz, last_reboot timestamptz, last_audit_date timestamptz,
            antivirus_product text, patch_status text, portal_url text, web_remote_url text,
            enabled_administrators text, backup_usage_tb numeric)
        on conflict (rmm_provider, external_id) do update set
            company_account_number = excluded.company_account_number, rmm_site_uid = excluded.rmm_site_uid,
            rmm_synced_at = excluded.rmm_synced_at,
            rmm_site_name = excluded.rmm_site_name, hostname = excluded.hostname, hardware_type =
            excluded.hardware_type, device_type = excluded.device_type, operating_system =
            excluded.operating_system, last_logged_in_user = excluded.last_logged_in_user, domain =
            excluded.domain, description = excluded.description, online = excluded.online, int_ip_address =
            excluded.int_ip_address, ext_ip_address = excluded.ext_ip_address, last_seen = excluded.last_seen,
            last_reboot = excluded.last_reboot, last_audit_date = excluded.last_audit_date, antivirus_product
            = excluded.antivirus_product, patch_status = excluded.patch_status, portal_url =
            excluded.portal_url, web_remote_url = excluded.web_remote_url, enabled_administrators =
            excluded.enabled_administrators, backup_usage_tb = excluded.backup_usage_tb, udf1 = excluded.udf1,
            udf2 = excluded.udf2, udf3 = excluded.udf3, udf4 = excluded.udf4, udf5 = excluded.udf5, udf6 =
            excluded.udf6, udf7 = excluded.udf7, udf8 = excluded.udf8, udf9 = excluded.udf9, udf10 =
            excluded.udf10, udf11 = excluded.udf11, udf12 = excluded.udf12, udf13 = excluded.udf13, udf14 =
            excluded.udf14, udf15 = excluded.udf15, udf16 = excluded.udf16, udf17 = excluded.udf17, udf18 =
            excluded.udf18, udf19 = excluded.udf19, udf20 = excluded.udf20, udf21 = excluded.udf21, udf22 =
            excluded.udf22, udf23 = excluded.udf23, udf24 = excluded.udf24, udf25 = excluded.udf25, udf26 =
            excluded.udf26, udf27 = excluded.udf27, udf28 = excluded.udf28, udf29 = excluded.udf29, udf30 =
            excluded.udf30
        returning (xmax = 0) as "created!"
        "#,
        sqlx::types::Json(rows) as _,
        provider,
        now
    )
    .fetch_all(conn)
    .await?;
    let created = rows.iter().filter(|created| **created).count() as u64;
    Ok(Written { created, updated: rows.len() as u64 - created })
}

/// Notes that assets were met, without changing them: their site belongs to nobody just now.
///
/// # Errors
/// When the database cannot be written.
pub async fn met(pool: &PgPool, provider: &str, uids: &[String], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update assets set rmm_synced_at = $3 where rmm_provider = $1 and external_id = any ($2)",
        provider,
        uids,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How many assets of a provider are stored.
///
/// # Errors
/// When the database cannot be read.
pub async fn count(pool: &PgPool, provider: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from assets where rmm_provider = $1 and external_id is not null"#,
        provider
    )
    .fetch_one(pool)
    .await
}

/// Stored assets that a run has not met.
///
/// # Errors
/// When the database cannot be read.
pub async fn unmet(pool: &PgPool, provider: &str, since: DateTime<Utc>) -> sqlx::Result<Vec<Unmet>> {
    sqlx::query_as!(
        Unmet,
        r#"select id, external_id as "external_id!", hostname from assets
           where rmm_provider = $1 and external_id is not null and (rmm_synced_at < $2) is not false
           order by id"#,
        provider,
        since
    )
    .fetch_all(pool)
    .await
}

/// Removes assets.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(conn: &mut PgConnection, provider: &str, uids: &[String]) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("delete from assets where rmm_provider = $1 and external_id = any ($2)", provider, uids)
            .execute(conn)
            .await?;
    Ok(done.rows_affected())
}
