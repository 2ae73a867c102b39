//! What the page of a device shows.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A device. Secrets stay in the database: their place in `udf` says only that there is one.
#[derive(Clone, Debug)]
pub struct AssetFacts {
    /// Database id.
    pub id: i64,
    /// Name of the device.
    pub hostname: String,
    /// Name of its company.
    pub company: String,
    /// Account number of its company.
    pub account_number: String,
    /// Name of the RMM that reports it; none for one that was made by hand.
    pub rmm_provider: Option<String>,
    /// Kind as the RMM calls it.
    pub hardware_type: Option<String>,
    /// Kind by which it is billed.
    pub device_type: Option<String>,
    /// Operating system.
    pub operating_system: Option<String>,
    /// Antivirus product.
    pub antivirus_product: Option<String>,
    /// Domain or workgroup.
    pub domain: Option<String>,
    /// Who worked on it last.
    pub last_logged_in_user: Option<String>,
    /// Site in the RMM.
    pub rmm_site_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Address outside.
    pub ext_ip_address: Option<String>,
    /// Address inside.
    pub int_ip_address: Option<String>,
    /// When the RMM last took stock of it.
    pub last_audit_date: Option<DateTime<Utc>>,
    /// When it last started.
    pub last_reboot: Option<DateTime<Utc>>,
    /// When the RMM last heard of it.
    pub last_seen: Option<DateTime<Utc>>,
    /// How it stands with patches.
    pub patch_status: Option<String>,
    /// Whether it is online.
    pub online: Option<bool>,
    /// Terabytes in the backup, as text with two places.
    pub backup_usage_tb: Option<String>,
    /// Its page in the RMM.
    pub portal_url: Option<String>,
    /// Where to take it over.
    pub web_remote_url: Option<String>,
    /// The custom fields 1 to 30.
    pub udf: Vec<Option<String>>,
}

/// A user of a device.
#[derive(Clone, Debug)]
pub struct UserLink {
    /// Database id of the contact.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Whether it is a contact of the device's company.
    pub own_company: bool,
}

/// A device.
///
/// # Errors
/// When the database cannot be read.
pub async fn facts(pool: &PgPool, id: i64) -> sqlx::Result<Option<AssetFacts>> {
    sqlx::query_as!(
        AssetFacts,
        r#"select a.id, a.hostname, k.name as company, k.account_number, a.rmm_provider, a.hardware_type, a.device_type,
            a.operating_system, a.antivirus_product, a.domain, a.last_logged_in_user, a.rmm_site_name, a.description,
            a.ext_ip_address, a.int_ip_address, a.last_audit_date, a.last_reboot, a.last_seen, a.patch_status, a.online,
            round(a.backup_usage_tb, 2)::text as backup_usage_tb, a.portal_url, a.web_remote_url,
            array[udf1, case when trim(udf2) <> '' then 'set' end, udf3, udf4, udf5, udf6, udf7, udf8,
                case when trim(udf9) <> '' then 'set' end, udf10, udf11, udf12, udf13, udf14, udf15, udf16, udf17, udf18,
                udf19, udf20, udf21, udf22, udf23, udf24, udf25, udf26, udf27, udf28, udf29, udf30]
                as "udf!: Vec<Option<String>>"
        from assets a join companies k on k.account_number = a.company_account_number
        where a.id = $1"#,
        id
    )
    .fetch_optional(pool)
    .await
}

/// Who uses a device, by name; for those who see only some companies the contacts of these.
///
/// # Errors
/// When the database cannot be read.
pub async fn users(pool: &PgPool, id: i64, only: Option<&[String]>) -> sqlx::Result<Vec<UserLink>> {
    sqlx::query_as!(
        UserLink,
        r#"select c.id, c.name, c.email,
            exists (select from contact_company_link l where l.contact_id = c.id
                and l.company_account_number = a.company_account_number) as "own_company!"
        from asset_contact_link u
        join contacts c on c.id = u.contact_id
        join assets a on a.id = u.asset_id
        where u.asset_id = $1 and ($2::text[] is null or exists (
            select from contact_company_link l where l.contact_id = c.id and l.company_account_number = any ($2)))
        order by lower(c.name), c.id"#,
        id,
        only
    )
    .fetch_all(pool)
    .await
}
