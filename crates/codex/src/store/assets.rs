//! Devices.

use hivematrix_shared::contracts::codex::Asset;
use serde::Serialize;
use sqlx::{PgExecutor, PgPool};
use utoipa::ToSchema;

use super::Page;

/// A device with its company (codex-api.md §4.2).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AssetWithCompany {
    /// The device.
    #[serde(flatten)]
    pub asset: Asset,
    /// Account number of the company.
    pub company_id: String,
    /// Name of the company.
    pub company_name: String,
    /// `standard`, `cjis` or `hipaa`.
    pub company_compliance_level: String,
}

/// Which devices are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only those of these companies.
    pub only: Option<&'a [String]>,
    /// Only this one.
    pub id: Option<i64>,
    /// At most so many.
    pub limit: Option<i64>,
    /// After so many.
    pub offset: i64,
}

/// Devices by company and host name.
pub async fn list(
    executor: impl PgExecutor<'_>,
    selection: Selection<'_>,
) -> sqlx::Result<Vec<AssetWithCompany>> {
    let rows = sqlx::query!(
        r#"
        select a.id, a.hostname, a.hardware_type, a.operating_system, a.device_type, a.last_logged_in_user,
            a.antivirus_product, a.ext_ip_address, a.int_ip_address, a.domain, a.online, a.last_seen,
            round(a.backup_usage_tb, 2)::text as backup_usage_tb,
            -- whatever stands in the column, a reader of bills gets a number
            trunc(greatest(least(coalesce(a.backup_usage_tb, 0), 1048576), 0) * 1099511627776)::bigint
                as "backup_data_bytes!",
            a.company_account_number, c.name as company_name, c.compliance_level
        from assets a
        join companies c on c.account_number = a.company_account_number
        where ($1::text[] is null or a.company_account_number = any($1)) and ($2::bigint is null or a.id = $2)
        order by a.company_account_number, lower(a.hostname), a.id
        limit $3 offset $4
        "#,
        selection.only,
        selection.id,
        selection.limit,
        selection.offset
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AssetWithCompany {
            asset: Asset {
                id: row.id,
                hostname: row.hostname,
                hardware_type: row.hardware_type,
                operating_system: row.operating_system,
                device_type: row.device_type,
                last_logged_in_user: row.last_logged_in_user,
                antivirus_product: row.antivirus_product,
                ext_ip_address: row.ext_ip_address,
                int_ip_address: row.int_ip_address,
                domain: row.domain,
                online: row.online,
                last_seen: row.last_seen,
                backup_usage_tb: row.backup_usage_tb,
                backup_data_bytes: row.backup_data_bytes,
            },
            company_id: row.company_account_number,
            company_name: row.company_name,
            company_compliance_level: row.compliance_level,
        })
        .collect())
}

/// A page of devices and how many there are.
pub async fn page(
    pool: &PgPool,
    only: Option<&[String]>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Page<AssetWithCompany>> {
    let items = list(pool, Selection { only, limit: Some(limit), offset, ..Selection::default() }).await?;
    let total = sqlx::query_scalar!(
        r#"select count(*) as "count!" from assets where $1::text[] is null or company_account_number = any($1)"#,
        only
    )
    .fetch_one(pool)
    .await?;
    Ok(Page { items, total })
}

/// One device.
pub async fn find(pool: &PgPool, id: i64) -> sqlx::Result<Option<AssetWithCompany>> {
    let found = list(pool, Selection { id: Some(id), ..Selection::default() }).await?;
    Ok(found.into_iter().next())
}
