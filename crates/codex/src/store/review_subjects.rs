//! The records that things to decide are about, and decisions that settle them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::reviews::DUPLICATE_CONTACT;

/// A stored record that a thing to decide names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject {
    /// Database id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// What tells it from others of that name.
    pub note: String,
}

/// The vendor and its id in a key such as `freshservice:19000100001`.
pub fn vendor_key(key: &str) -> Option<(&str, i64)> {
    let (source, id) = key.split_once(':')?;
    Some((source, id.parse().ok()?))
}

/// The stored contacts behind these keys; a key of a record that became part of a contact leads to that contact.
///
/// # Errors
/// When the database cannot be read.
pub async fn contacts(conn: &mut PgConnection, keys: &[&str]) -> sqlx::Result<HashMap<String, Subject>> {
    let (sources, ids): (Vec<String>, Vec<i64>) =
        keys.iter().filter_map(|key| vendor_key(key)).map(|(source, id)| (source.to_owned(), id)).unzip();
    let rows = sqlx::query!(
        r#"select k.source as "source!", k.id as "key!", c.id, c.name, c.email
           from unnest($1::text[], $2::bigint[]) as k (source, id)
           left join contact_aliases a on a.external_source = k.source and a.external_id = k.id
           join contacts c on c.id = a.contact_id or (c.external_source = k.source and c.external_id = k.id)"#,
        &sources,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (format!("{}:{}", row.source, row.key), Subject { id: row.id, name: row.name, note: row.email })
        })
        .collect())
}

/// The devices with these ids.
///
/// # Errors
/// When the database cannot be read.
pub async fn assets(pool: &PgPool, ids: &[i64]) -> sqlx::Result<HashMap<i64, Subject>> {
    let rows = sqlx::query!(
        r#"select a.id, a.hostname, concat_ws(', ', k.name, a.operating_system, nullif(a.last_logged_in_user, ''),
               'last seen ' || to_char(a.last_seen at time zone 'UTC', 'YYYY-MM-DD')) as "note!"
           from assets a join companies k on k.account_number = a.company_account_number where a.id = any ($1)"#,
        ids
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, Subject { id: row.id, name: row.hostname, note: row.note }))
        .collect())
}

/// Settles what was to be decided about two contacts that became one, by their keys at vendors.
///
/// # Errors
/// When the database cannot be written.
pub async fn merged(
    conn: &mut PgConnection,
    keys: &[String],
    by: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update review_items set resolved_at = greatest($3, found_at), resolved_by = $4, resolution = 'merged'
         where kind = $1 and resolved_at is null and subject = any ($2) and other = any ($2)",
        DUPLICATE_CONTACT,
        keys,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Links a site of an RMM to a company, from wherever it belonged before.
///
/// # Errors
/// When the database cannot be written.
pub async fn link_site(
    conn: &mut PgConnection,
    provider: &str,
    uid: &str,
    name: Option<&str>,
    company: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rmm_site_links as l (company_account_number, rmm_site_uid, rmm_provider, site_name)
         values ($1, $2, $3, $4)
         on conflict (rmm_site_uid, rmm_provider) do update set
             company_account_number = excluded.company_account_number,
             site_name = coalesce(excluded.site_name, l.site_name)",
        company,
        uid,
        provider,
        name
    )
    .execute(conn)
    .await?;
    Ok(())
}
