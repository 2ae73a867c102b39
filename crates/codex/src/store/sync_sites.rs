//! Which companies the sites of an RMM belong to, and what a person has to decide about sites and devices.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use crate::domain::site_match::Candidate;

/// Name of whoever closes an item because its reason is gone.
const SYNC: &str = "sync";
/// Kind of the items about sites without a company.
pub const SITE: &str = "rmm_site";
/// Kind of the items about devices of one name.
pub const DEVICE: &str = "duplicate_asset";

/// A site and the company it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteLink {
    /// The vendor's uid.
    pub uid: String,
    /// Display name.
    pub name: String,
    /// Account number of the company.
    pub company: String,
}

/// All companies, as sites are matched with them.
///
/// # Errors
/// When the database cannot be read.
pub async fn candidates(pool: &PgPool) -> sqlx::Result<Vec<Candidate>> {
    sqlx::query_as!(Candidate, "select account_number, name from companies order by account_number")
        .fetch_all(pool)
        .await
}

/// The stored links of a provider: uid of the site → account number.
///
/// # Errors
/// When the database cannot be read.
pub async fn links(pool: &PgPool, provider: &str) -> sqlx::Result<HashMap<String, String>> {
    let rows = sqlx::query!(
        "select rmm_site_uid, company_account_number from rmm_site_links where rmm_provider = $1",
        provider
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.rmm_site_uid, row.company_account_number)).collect())
}

/// Stores links; a site that belongs to another company now moves.
///
/// # Errors
/// When the database cannot be written.
pub async fn link(conn: &mut PgConnection, provider: &str, links: &[SiteLink]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into rmm_site_links as l (company_account_number, rmm_site_uid, rmm_provider, site_name)
        select i.company, i.uid, $2, i.name
        from jsonb_to_recordset($1) as i (uid text, name text, company text)
        join companies c on c.account_number = i.company
        on conflict (rmm_site_uid, rmm_provider) do update set
            company_account_number = excluded.company_account_number, site_name = excluded.site_name
        where (l.company_account_number, l.site_name)
            is distinct from (excluded.company_account_number, excluded.site_name)
        "#,
        sqlx::types::Json(links) as _,
        provider
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the links of sites that are gone.
///
/// # Errors
/// When the database cannot be written.
pub async fn unlink(conn: &mut PgConnection, provider: &str, uids: &[String]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from rmm_site_links where rmm_provider = $1 and rmm_site_uid = any ($2)",
        provider,
        uids
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Asks about devices of a provider that have the host name of another device of their company: the same machine set up
/// again, or two. Takes back the questions whose devices differ by now.
///
/// # Errors
/// When the database cannot be written.
pub async fn ask_about_duplicates(
    conn: &mut PgConnection,
    provider: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let asked = sqlx::query!(
        r#"
        insert into review_items as r (kind, subject, other, detail, proposal, found_at, last_seen_at)
        select $2, a.id::text, b.id::text,
            'two devices of company ' || a.company_account_number || ' have the name ' || a.hostname,
            jsonb_build_object('company', a.company_account_number, 'hostname', a.hostname,
                'older', b.id, 'newer', a.id, 'older_last_seen', b.last_seen, 'newer_last_seen', a.last_seen),
            $3, $3
        from assets a
        join assets b on b.company_account_number = a.company_account_number
            and lower(b.hostname) = lower(a.hostname) and b.id < a.id
        where a.rmm_provider = $1 or b.rmm_provider = $1
        on conflict (kind, subject, other) do update set
            detail = excluded.detail, proposal = excluded.proposal, last_seen_at = excluded.last_seen_at,
            resolved_at = case when r.resolved_by = $4 then null else r.resolved_at end,
            resolution = case when r.resolved_by = $4 then null else r.resolution end,
            resolved_by = nullif(r.resolved_by, $4)
        "#,
        provider,
        DEVICE,
        now,
        SYNC
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"
        update review_items r set resolved_at = $2, resolved_by = $3, resolution = 'no longer the case'
        where kind = $1 and resolved_at is null and last_seen_at < $2 and not exists (
            select from assets a
            join assets b on b.company_account_number = a.company_account_number
                and lower(b.hostname) = lower(a.hostname)
            where a.id::text = r.subject and b.id::text = r.other)
        "#,
        DEVICE,
        now,
        SYNC
    )
    .execute(conn)
    .await?;
    Ok(asked.rows_affected())
}
