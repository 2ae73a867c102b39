//! Which companies and devices a contact has, as people set it, and which contacts a device has.

use sqlx::PgConnection;

use super::changes;

/// Entry of `contacts.edited_fields` that keeps a sync from touching the companies of a contact.
pub const COMPANIES: &str = "company_account_numbers";

/// The first of these account numbers that no company has.
///
/// # Errors
/// When the database cannot be read.
pub async fn unknown_company(conn: &mut PgConnection, numbers: &[String]) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select n as "n!" from unnest($1::text[]) n
           where not exists (select from companies where account_number = n) limit 1"#,
        numbers
    )
    .fetch_optional(conn)
    .await
}

/// The first of these ids that no device has.
///
/// # Errors
/// When the database cannot be read.
pub async fn unknown_asset(conn: &mut PgConnection, ids: &[i64]) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"select n as "n!" from unnest($1::bigint[]) n where not exists (select from assets where id = n) limit 1"#,
        ids
    )
    .fetch_optional(conn)
    .await
}

/// The first of these ids that no contact has.
///
/// # Errors
/// When the database cannot be read.
pub async fn unknown_contact(conn: &mut PgConnection, ids: &[i64]) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"select n as "n!" from unnest($1::bigint[]) n where not exists (select from contacts where id = n) limit 1"#,
        ids
    )
    .fetch_optional(conn)
    .await
}

async fn companies_of(conn: &mut PgConnection, contact: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select string_agg(k.name || ' (' || k.account_number || ')', ', ' order by lower(k.name), k.account_number)
           from contact_company_link l join companies k on k.account_number = l.company_account_number
           where l.contact_id = $1"#,
        contact
    )
    .fetch_one(conn)
    .await
}

/// Gives a contact exactly these companies; whether that is another set than before. From then on they are set by hand, and
/// a sync leaves them alone.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_companies(conn: &mut PgConnection, contact: i64, numbers: &[String]) -> sqlx::Result<bool> {
    let before = companies_of(conn, contact).await?;
    sqlx::query!(
        "with gone as (
             delete from contact_company_link where contact_id = $1 and not company_account_number = any ($2))
         insert into contact_company_link (contact_id, company_account_number, origin)
         select distinct $1::bigint, n, 'manual' from unnest($2::text[]) n
         on conflict do nothing",
        contact,
        numbers
    )
    .execute(&mut *conn)
    .await?;
    let after = companies_of(conn, contact).await?;
    if before == after {
        return Ok(false);
    }
    sqlx::query!("update contact_company_link set origin = 'manual' where contact_id = $1", contact)
        .execute(&mut *conn)
        .await?;
    changes::note(conn, "contacts", &contact.to_string(), "companies", before.as_deref(), after.as_deref())
        .await?;
    Ok(true)
}

async fn assets_of(conn: &mut PgConnection, contact: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select string_agg(a.hostname, ', ' order by lower(a.hostname), a.id)
           from asset_contact_link l join assets a on a.id = l.asset_id where l.contact_id = $1"#,
        contact
    )
    .fetch_one(conn)
    .await
}

async fn users_of(conn: &mut PgConnection, asset: i64) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select string_agg(c.name, ', ' order by lower(c.name), c.id)
           from asset_contact_link l join contacts c on c.id = l.contact_id where l.asset_id = $1"#,
        asset
    )
    .fetch_one(conn)
    .await
}

/// Gives a contact exactly these devices; whether that is another set than before.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_assets(conn: &mut PgConnection, contact: i64, assets: &[i64]) -> sqlx::Result<bool> {
    let before = assets_of(conn, contact).await?;
    let changed = sqlx::query!(
        "with gone as (delete from asset_contact_link where contact_id = $1 and not asset_id = any ($2) returning 1),
         new as (insert into asset_contact_link (asset_id, contact_id)
             select distinct n, $1::bigint from unnest($2::bigint[]) n on conflict do nothing returning 1)
         select (select count(*) from gone) + (select count(*) from new) as \"n!\"",
        contact,
        assets
    )
    .fetch_one(&mut *conn)
    .await?
    .n > 0;
    if changed {
        let after = assets_of(conn, contact).await?;
        changes::note(conn, "contacts", &contact.to_string(), "assets", before.as_deref(), after.as_deref())
            .await?;
    }
    Ok(changed)
}

/// Gives a device exactly these users; whether that is another set than before.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_users(conn: &mut PgConnection, asset: i64, contacts: &[i64]) -> sqlx::Result<bool> {
    let before = users_of(conn, asset).await?;
    let changed = sqlx::query!(
        "with gone as (delete from asset_contact_link where asset_id = $1 and not contact_id = any ($2) returning 1),
         new as (insert into asset_contact_link (asset_id, contact_id)
             select distinct $1::bigint, n from unnest($2::bigint[]) n on conflict do nothing returning 1)
         select (select count(*) from gone) + (select count(*) from new) as \"n!\"",
        asset,
        contacts
    )
    .fetch_one(&mut *conn)
    .await?
    .n > 0;
    if changed {
        let after = users_of(conn, asset).await?;
        changes::note(conn, "assets", &asset.to_string(), "users", before.as_deref(), after.as_deref())
            .await?;
    }
    Ok(changed)
}

/// Adds a user to a device, or takes one away; whether that changed anything.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_user(
    conn: &mut PgConnection,
    asset: i64,
    contact: i64,
    assigned: bool,
) -> sqlx::Result<bool> {
    let mut users =
        sqlx::query_scalar!("select contact_id from asset_contact_link where asset_id = $1", asset)
            .fetch_all(&mut *conn)
            .await?;
    users.retain(|user| *user != contact);
    if assigned {
        users.push(contact);
    }
    set_users(conn, asset, &users).await
}
