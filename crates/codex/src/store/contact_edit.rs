//! Contacts as people write them: made, changed and deleted by hand. Reading a contact for a change locks it.

use sqlx::{PgConnection, types::Json};

use super::changes;
use crate::domain::person::Person;

/// A contact somebody is about to change.
#[derive(Clone, Debug)]
pub struct Locked {
    /// Database id.
    pub id: i64,
    /// The vendor's key, where the contact came from a vendor.
    pub external_id: Option<i64>,
    /// Name of that vendor, `manual` for one that was made by hand.
    pub external_source: String,
    /// What may be changed.
    pub person: Person,
}

/// Source of contacts that were made by hand.
pub const BY_HAND: &str = "manual";

/// Reads a contact and keeps others from changing it until the transaction ends.
///
/// # Errors
/// When the database cannot be read.
pub async fn lock(conn: &mut PgConnection, id: i64) -> sqlx::Result<Option<Locked>> {
    let row = sqlx::query!(
        r#"select id, external_id, external_source, first_name, last_name, name, email,
            secondary_emails as "secondary_emails: Json<Vec<String>>", coalesce(job_title, title) as job_title, active,
            vip_user, is_agent, mobile_phone_number, work_phone_number, location_name, time_zone, address,
            background_information
        from contacts where id = $1 for update"#,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Locked {
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
    }))
}

/// Another contact with this address, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn holder_of(
    conn: &mut PgConnection,
    email: &str,
    but: Option<i64>,
) -> sqlx::Result<Option<(i64, String)>> {
    let row = sqlx::query!(
        "select id, name from contacts where lower(email) = lower($1) and ($2::bigint is null or id <> $2)",
        email,
        but
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.name)))
}

/// Stores a changed contact. `edited` are the columns that a sync leaves alone from now on, `released` those that follow
/// the vendor again.
///
/// # Errors
/// When the database refuses it, above all an address that another contact has.
pub async fn update(
    conn: &mut PgConnection,
    id: i64,
    person: &Person,
    edited: &[&str],
    released: &[String],
) -> sqlx::Result<()> {
    let edited: Vec<String> = edited.iter().map(|field| (*field).to_owned()).collect();
    let emails = (!person.secondary_emails.is_empty()).then_some(Json(&person.secondary_emails));
    sqlx::query!(
        "update contacts set first_name = $2, last_name = $3, name = $4, email = $5, primary_email = $5,
            secondary_emails = case when coalesce(secondary_emails, '[]') = coalesce($6::jsonb, '[]')
                then secondary_emails else $6 end,
            job_title = $7, title = $7, active = $8, vip_user = $9, is_agent = $10,
            mobile_phone_number = $11, work_phone_number = $12, location_name = $13, time_zone = $14, address = $15,
            background_information = $16,
            edited_fields = array(
                select distinct field from unnest(edited_fields || $17::text[]) field
                where not field = any ($18) or field = any ($17) order by field)
         where id = $1",
        id,
        person.first_name,
        person.last_name,
        person.name,
        person.email,
        emails as _,
        person.job_title,
        person.active,
        person.vip_user,
        person.is_agent,
        person.mobile_phone_number,
        person.work_phone_number,
        person.location_name,
        person.time_zone,
        person.address,
        person.background_information,
        &edited,
        released
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes a contact by hand and answers its id. A sync that later finds the address at the vendor takes the row over.
///
/// # Errors
/// When the database refuses it, above all an address that another contact has.
pub async fn create(conn: &mut PgConnection, person: &Person) -> sqlx::Result<i64> {
    let emails = (!person.secondary_emails.is_empty()).then_some(Json(&person.secondary_emails));
    let id = sqlx::query_scalar!(
        "insert into contacts (external_source, first_name, last_name, name, email, primary_email, secondary_emails,
            job_title, title, active, vip_user, is_agent, mobile_phone_number, work_phone_number, location_name, time_zone,
            address, background_information, created_at)
         values ($1, $2, $3, $4, $5, $5, $6, $7, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, now()) returning id",
        BY_HAND,
        person.first_name,
        person.last_name,
        person.name,
        person.email,
        emails as _,
        person.job_title,
        person.active,
        person.vip_user,
        person.is_agent,
        person.mobile_phone_number,
        person.work_phone_number,
        person.location_name,
        person.time_zone,
        person.address,
        person.background_information
    )
    .fetch_one(&mut *conn)
    .await?;
    changes::note(conn, "contacts", &id.to_string(), "created", None, Some(&person.email)).await?;
    Ok(id)
}

/// Removes a contact; the reason stands in the tombstone.
///
/// # Errors
/// When the database cannot be written.
pub async fn delete(conn: &mut PgConnection, id: i64, reason: &str) -> sqlx::Result<()> {
    changes::removing(conn, reason).await?;
    sqlx::query!("delete from contacts where id = $1", id).execute(conn).await?;
    Ok(())
}
