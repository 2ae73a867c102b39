//! Writing contacts and which companies they belong to (codex-api.md §6.5).

use std::sync::Arc;

use futures::TryStreamExt as _;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use super::sync_tickets::Written;
use crate::providers::PsaContact;

/// What identifies a stored contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContact {
    /// Database id.
    pub id: i64,
    /// The vendor's key, where the contact came from a vendor.
    pub external_id: Option<i64>,
    /// Name of that vendor; one text for all of its contacts.
    pub external_source: Arc<str>,
    /// Primary address in lower case.
    pub email: Box<str>,
}

/// A contact as it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContactRow {
    /// The stored contact this is; `None` for a new one.
    pub id: Option<i64>,
    /// Full name.
    pub name: String,
    /// The vendor's row, whose address is known.
    #[serde(flatten)]
    pub contact: PsaContact,
}

/// The keys of all stored contacts. There are many: they take no more memory than they need.
///
/// # Errors
/// When the database cannot be read.
pub async fn stored(pool: &PgPool) -> sqlx::Result<Vec<StoredContact>> {
    let mut sources: Vec<Arc<str>> = Vec::new();
    let mut contacts = Vec::new();
    let mut rows =
        sqlx::query!(r#"select id, external_id, external_source, lower(email) as "email!" from contacts"#)
            .fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let external_source = match sources.iter().find(|source| ***source == *row.external_source) {
            Some(source) => source.clone(),
            None => {
                let source: Arc<str> = row.external_source.into();
                sources.push(source.clone());
                source
            }
        };
        let email = row.email.into_boxed_str();
        contacts.push(StoredContact { id: row.id, external_id: row.external_id, external_source, email });
    }
    Ok(contacts)
}

/// Stores contacts: rows with an id are updated, those without inserted; fields that a person has edited stay. Then the
/// vendor's company links are replaced, except where a person has set the companies; links set by hand stay. Addresses that change are set aside first, so that
/// contacts may also exchange them.
///
/// # Errors
/// When the database refuses a row (an address that another contact has) or cannot be reached.
pub async fn save(conn: &mut PgConnection, provider: &str, rows: &[ContactRow]) -> sqlx::Result<Written> {
    let (known, emails): (Vec<i64>, Vec<Option<String>>) =
        rows.iter().filter_map(|row| Some((row.id?, row.contact.email.clone()))).unzip();
    sqlx::query!(
        "update contacts c set email = 'moving:' || id
         from unnest($1::bigint[], $2::text[]) as i (contact, email)
         where c.id = i.contact and lower(c.email) <> lower(i.email) and not 'email' = any (c.edited_fields)",
        &known,
        &emails as _
    )
    .execute(&mut *conn)
    .await?;
    let updated = update(conn, provider, rows).await?;
    let created = insert(conn, provider, rows).await?;
    replace_links(conn, provider, rows).await?;
    Ok(Written { created, updated })
}

async fn update(conn: &mut PgConnection, provider: &str, rows: &[ContactRow]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update contacts c set
            external_id = i.external_id, external_source = $2,
            is_agent = unless_edited(c.edited_fields, 'is_agent', c.is_agent, i.is_agent),
            has_logged_in = i.has_logged_in,
            can_see_all_tickets_from_associated_departments = i.can_see_all_tickets_from_associated_departments,
            can_see_all_changes_from_associated_departments = i.can_see_all_changes_from_associated_departments,
            department_names = i.department_names, department_ids = i.department_ids,
            reporting_manager_id = i.reporting_manager_id, location_id = i.location_id,
            work_schedule_id = i.work_schedule_id, user_number = i.user_number, time_format = i.time_format,
            language = coalesce(i.language, c.language), updated_at = i.updated_at,
            created_at = coalesce(c.created_at, i.created_at),
            first_name = unless_edited(c.edited_fields, 'first_name', c.first_name, i.first_name),
            last_name = unless_edited(c.edited_fields, 'last_name', c.last_name, i.last_name),
            name = case when c.edited_fields && '{first_name,last_name,name}' then c.name else i.name end,
            email = unless_edited(c.edited_fields, 'email', c.email, i.email),
            primary_email = unless_edited(c.edited_fields, 'email', c.primary_email, i.email),
            job_title = unless_edited(c.edited_fields, 'job_title', c.job_title, i.job_title),
            title = unless_edited(c.edited_fields, 'job_title', c.title, i.job_title),
            active = unless_edited(c.edited_fields, 'active', c.active, i.active),
            vip_user = unless_edited(c.edited_fields, 'vip_user', c.vip_user, i.vip_user),
            mobile_phone_number = unless_edited(c.edited_fields, 'mobile_phone_number', c.mobile_phone_number,
                i.mobile_phone_number),
            work_phone_number = unless_edited(c.edited_fields, 'work_phone_number', c.work_phone_number,
                i.work_phone_number),
            address = unless_edited(c.edited_fields, 'address', c.address, i.address),
            background_information = unless_edited(c.edited_fields, 'background_information',
                c.background_information, i.background_information),
            secondary_emails = unless_edited(c.edited_fields, 'secondary_emails', c.secondary_emails,
                i.secondary_emails),
            location_name = unless_edited(c.edited_fields, 'location_name', c.location_name, i.location_name),
            time_zone = unless_edited(c.edited_fields, 'time_zone', c.time_zone, i.time_zone)
         from jsonb_to_recordset($1) as i (
            id bigint, external_id bigint, first_name text, last_name text, name text, email text,
            secondary_emails jsonb, job_title text, active boolean, is_agent boolean, vip_user boolean,
            has_logged_in boolean, can_see_all_tickets_from_associated_departments boolean,
            can_see_all_changes_from_associated_departments boolean, mobile_phone_number text,
            work_phone_number text, user_number text, address text, background_information text,
            department_names text, department_ids jsonb, reporting_manager_id bigint, location_id bigint,
            location_name text, work_schedule_id bigint, language text, time_zone text, time_format text,
            created_at timestamptz, updated_at timestamptz)
         where c.id = i.id",
        sqlx::types::Json(rows) as _,
        provider
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

async fn insert(conn: &mut PgConnection, provider: &str, rows: &[ContactRow]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "insert into contacts (
            external_id, external_source, first_name, last_name, name, primary_email, email, job_title, title, active,
            is_agent, vip_user, has_logged_in, can_see_all_tickets_from_associated_departments,
            can_see_all_changes_from_associated_departments, mobile_phone_number, work_phone_number, user_number,
            address, background_information, department_names, secondary_emails, department_ids,
            reporting_manager_id, location_id, location_name, work_schedule_id, language, time_zone, time_format,
            created_at, updated_at)
         select
            i.external_id, $2, i.first_name, i.last_name, i.name, i.email, i.email, i.job_title, i.job_title, i.active,
            i.is_agent, i.vip_user, i.has_logged_in, i.can_see_all_tickets_from_associated_departments,
            i.can_see_all_changes_from_associated_departments, i.mobile_phone_number, i.work_phone_number,
            i.user_number, i.address, i.background_information, i.department_names, i.secondary_emails,
            i.department_ids, i.reporting_manager_id, i.location_id, i.location_name, i.work_schedule_id,
            coalesce(i.language, 'en'), i.time_zone, i.time_format, i.created_at, i.updated_at
         from jsonb_to_recordset($1) as i (
            id bigint, external_id bigint, first_name text, last_name text, name text, email text,
            secondary_emails jsonb, job_title text, active boolean, is_agent boolean, vip_user boolean,
            has_logged_in boolean, can_see_all_tickets_from_associated_departments boolean,
            can_see_all_changes_from_associated_departments boolean, mobile_phone_number text,
            work_phone_number text, user_number text, address text, background_information text,
            department_names text, department_ids jsonb, reporting_manager_id bigint, location_id bigint,
            location_name text, work_schedule_id bigint, language text, time_zone text, time_format text,
            created_at timestamptz, updated_at timestamptz)
         where i.id is null",
        sqlx::types::Json(rows) as _,
        provider
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

async fn replace_links(conn: &mut PgConnection, provider: &str, rows: &[ContactRow]) -> sqlx::Result<()> {
    let (mut people, mut departments) = (Vec::new(), Vec::new());
    for row in rows {
        for department in &row.contact.department_ids {
            people.push(row.contact.external_id);
            departments.push(*department);
        }
    }
    let everyone: Vec<i64> = rows.iter().map(|row| row.contact.external_id).collect();
    sqlx::query!(
        "with wanted as (
             select p.id as contact_id, co.account_number
             from unnest($3::bigint[], $4::bigint[]) as w (person, department)
             join contacts p on p.external_source = $1 and p.external_id = w.person
                 and not 'company_account_numbers' = any (p.edited_fields)
             join companies co on co.external_source = $1 and co.external_id = w.department),
         gone as (
             delete from contact_company_link l using contacts p
             where p.external_source = $1 and p.external_id = any ($2) and l.contact_id = p.id and l.origin = 'psa'
               and not 'company_account_numbers' = any (p.edited_fields)
               and not exists (select from wanted
                   where wanted.contact_id = l.contact_id and wanted.account_number = l.company_account_number))
         insert into contact_company_link (contact_id, company_account_number, origin)
         select distinct contact_id, account_number, 'psa' from wanted
         on conflict do nothing",
        provider,
        &everyone,
        &people,
        &departments
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes contacts the vendor no longer has.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(conn: &mut PgConnection, provider: &str, ids: &[i64]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from contacts where external_source = $1 and external_id = any ($2)",
        provider,
        ids
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
