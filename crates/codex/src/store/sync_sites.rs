//! Which companies the sites of an RMM belong to, and what a person has to decide about sites.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use crate::domain::site_match::Candidate;

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
