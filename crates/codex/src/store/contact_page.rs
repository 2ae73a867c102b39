//! What the page of a contact shows.

use chrono::{DateTime, Utc};
use sqlx::{PgPool, types::Json};

use crate::domain::person::Person;

/// A contact with where it came from.
#[derive(Clone, Debug)]
pub struct ContactFacts {
    /// Database id.
    pub id: i64,
    /// The vendor's key.
    pub external_id: Option<i64>,
    /// Name of the vendor, `manual` for one that was made by hand.
    pub external_source: String,
    /// What people may change.
    pub person: Person,
    /// Columns that a person changed, which no sync overwrites.
    pub edited_fields: Vec<String>,
    /// When the vendor or a person made it.
    pub created_at: Option<DateTime<Utc>>,
    /// Records of vendors that a person declared to be this contact.
    pub aliases: i64,
}

/// A company of a contact.
#[derive(Clone, Debug)]
pub struct CompanyLink {
    /// Account number.
    pub account_number: String,
    /// Name.
    pub name: String,
}

/// A device of a contact.
#[derive(Clone, Debug)]
pub struct AssetLink {
    /// Database id.
    pub id: i64,
    /// Name of the device.
    pub hostname: String,
    /// Name of its company.
    pub company: String,
    /// Account number of its company.
    pub account_number: String,
    /// Whether it is online.
    pub online: Option<bool>,
}

/// A contact.
///
/// # Errors
/// When the database cannot be read.
pub async fn facts(pool: &PgPool, id: i64) -> sqlx::Result<Option<ContactFacts>> {
    let row = sqlx::query!(
        r#"select id, external_id, external_source, first_name, last_name, name, email,
            secondary_emails as "secondary_emails: Json<Vec<String>>", coalesce(job_title, title) as job_title, active,
            vip_user, is_agent, mobile_phone_number, work_phone_number, location_name, time_zone, address,
            background_information, edited_fields, created_at,
            (select count(*) from contact_aliases where contact_id = c.id) as "aliases!"
        from contacts c where id = $1"#,
        id
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| ContactFacts {
        id: row.id,
        external_id: row.external_id,
        external_source: row.external_source,
        person: Person {
            first_name: row.first_name,
            last_name: row.last_name,
            name: row.name,
            email: row.email,
            secondary_emails: row.secondary_emails.map(|list| list.0).unwrap_or_default(),
            job_title: row.job_title,
            active: row.active,
            vip_user: row.vip_user,
            is_agent: row.is_agent,
            mobile_phone_number: row.mobile_phone_number,
            work_phone_number: row.work_phone_number,
            location_name: row.location_name,
            time_zone: row.time_zone,
            address: row.address,
            background_information: row.background_information,
        },
        edited_fields: row.edited_fields,
        created_at: row.created_at,
        aliases: row.aliases,
    }))
}

/// The companies of a contact that may be seen, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn companies(pool: &PgPool, id: i64, only: Option<&[String]>) -> sqlx::Result<Vec<CompanyLink>> {
    sqlx::query_as!(
        CompanyLink,
        "select k.account_number, k.name from contact_company_link l
         join companies k on k.account_number = l.company_account_number
         where l.contact_id = $1 and ($2::text[] is null or k.account_number = any ($2))
         order by lower(k.name), k.account_number",
        id,
        only
    )
    .fetch_all(pool)
    .await
}

/// The devices of a contact that may be seen, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn assets(pool: &PgPool, id: i64, only: Option<&[String]>) -> sqlx::Result<Vec<AssetLink>> {
    sqlx::query_as!(
        AssetLink,
        "select a.id, a.hostname, k.name as company, k.account_number, a.online
         from asset_contact_link l
         join assets a on a.id = l.asset_id
         join companies k on k.account_number = a.company_account_number
         where l.contact_id = $1 and ($2::text[] is null or k.account_number = any ($2))
         order by lower(a.hostname), a.id",
        id,
        only
    )
    .fetch_all(pool)
    .await
}
