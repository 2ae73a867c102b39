//! Devices as the RMM routes show them (codex-api.md §4.4).

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A stored device with its company.
#[derive(Debug, Clone)]
pub struct StoredDevice {
    /// Database id.
    pub id: i64,
    /// Host name.
    pub hostname: String,
    /// Account number of the company.
    pub company_id: String,
    /// Name of the company.
    pub company_name: String,
    /// Whether it answers; unknown counts as no.
    pub online: bool,
    /// Operating system.
    pub operating_system: Option<String>,
    /// Our type, else the vendor's category.
    pub device_type: Option<String>,
    /// Address outside, else inside.
    pub ip_address: Option<String>,
    /// Last sign of life.
    pub last_seen: Option<DateTime<Utc>>,
    /// Who used it last.
    pub last_logged_in_user: Option<String>,
    /// Windows domain.
    pub domain: Option<String>,
    /// Virus scanner.
    pub antivirus: Option<String>,
    /// Patch state as the vendor writes it.
    pub patch_status: Option<String>,
    /// Last start.
    pub last_reboot: Option<DateTime<Utc>>,
    /// Name of the RMM it came from.
    pub provider: Option<String>,
    /// The RMM's uid.
    pub external_id: Option<String>,
}

/// Which devices are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Only those of these companies.
    pub only: Option<&'a [String]>,
    /// Only those that do, or do not, answer.
    pub online: Option<bool>,
    /// Only this one.
    pub id: Option<i64>,
    /// At most so many; `None` for all.
    pub limit: Option<i64>,
}

/// Devices by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(pool: &PgPool, selection: Selection<'_>) -> sqlx::Result<Vec<StoredDevice>> {
    sqlx::query_as!(
        StoredDevice,
        r#"
        select a.id, a.hostname, a.company_account_number as company_id, c.name as company_name,
            coalesce(a.online, false) as "online!", a.operating_system,
            coalesce(nullif(a.device_type, ''), a.hardware_type) as device_type,
            coalesce(nullif(a.ext_ip_address, ''), a.int_ip_address) as ip_address,
            a.last_seen, a.last_logged_in_user, a.domain, a.antivirus_product as antivirus, a.patch_status,
            a.last_reboot, a.rmm_provider as provider, a.external_id
        from assets a
        join companies c on c.account_number = a.company_account_number
        where ($1::text[] is null or a.company_account_number = any ($1))
            and ($2::boolean is null or coalesce(a.online, false) = $2)
            and ($3::bigint is null or a.id = $3)
        order by lower(a.hostname), a.id
        limit $4
        "#,
        selection.only,
        selection.online,
        selection.id,
        selection.limit
    )
    .fetch_all(pool)
    .await
}

/// One device.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(pool: &PgPool, id: i64) -> sqlx::Result<Option<StoredDevice>> {
    let found = list(pool, Selection { id: Some(id), ..Selection::default() }).await?;
    Ok(found.into_iter().next())
}
