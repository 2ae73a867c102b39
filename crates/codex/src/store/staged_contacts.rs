//! Contacts that a run has fetched and not yet stored: page by page in the database, so that a long list neither fills the
//! memory nor is lost when the run is interrupted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use crate::providers::{PageRef, PsaContact};

/// A run that reads all contacts of a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactRun {
    /// Names the run's rows.
    pub id: Uuid,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The page to read next; `None` once the list has been read to its end.
    pub page: Option<PageRef>,
}

/// What identifies a fetched contact. A run holds those of all its contacts at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactKey {
    /// Vendor id.
    pub external_id: i64,
    /// Primary address as the vendor writes it.
    pub email: Option<Box<str>>,
    /// Full name.
    pub name: Box<str>,
}

/// The run of a provider that has not ended.
///
/// # Errors
/// When the database cannot be read.
pub async fn begun(pool: &PgPool, provider: &str) -> sqlx::Result<Option<ContactRun>> {
    let run = sqlx::query_scalar!("select run from contact_runs where provider = $1", provider)
        .fetch_optional(pool)
        .await?;
    // One that another version wrote and this one cannot read only means to start again.
    Ok(run.and_then(|run| serde_json::from_value(run).ok()))
}

/// Keeps a page and where the run goes on; a contact that comes twice counts as it came last.
///
/// # Errors
/// When the database cannot be written.
pub async fn keep(
    conn: &mut PgConnection,
    provider: &str,
    run: &ContactRun,
    rows: &[(ContactKey, PsaContact)],
) -> sqlx::Result<()> {
    let mut last: Vec<_> = rows.iter().collect();
    last.sort_by_key(|(key, _)| key.external_id);
    last.dedup_by_key(|(key, _)| key.external_id);
    let ids: Vec<i64> = last.iter().map(|(key, _)| key.external_id).collect();
    let emails: Vec<Option<&str>> = last.iter().map(|(key, _)| key.email.as_deref()).collect();
    let names: Vec<&str> = last.iter().map(|(key, _)| &*key.name).collect();
    let contacts: Vec<Json<&PsaContact>> = last.iter().map(|(_, contact)| Json(contact)).collect();
    sqlx::query!(
        "insert into staged_contacts (run_id, external_id, email, name, contact)
         select $1, i.external_id, i.email, i.name, i.contact
         from unnest($2::bigint[], $3::text[], $4::text[], $5::jsonb[]) as i (external_id, email, name, contact)
         on conflict (run_id, external_id) do update
             set email = excluded.email, name = excluded.name, contact = excluded.contact",
        run.id,
        &ids,
        &emails as _,
        &names as _,
        &contacts as _
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into contact_runs (provider, run) values ($1, $2)
         on conflict (provider) do update set run = excluded.run",
        provider,
        Json(run) as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What identifies the contacts of a run, oldest vendor id first, without those that a person has merged into others.
///
/// # Errors
/// When the database cannot be read.
pub async fn keys(pool: &PgPool, provider: &str, run: Uuid) -> sqlx::Result<Vec<ContactKey>> {
    sqlx::query_as!(
        ContactKey,
        r#"select external_id, email as "email: Box<str>", name as "name: Box<str>" from staged_contacts
         where run_id = $1 and external_id <> all (
             select a.external_id from contact_aliases a where a.external_source = $2)
         order by external_id"#,
        run,
        provider
    )
    .fetch_all(pool)
    .await
}

/// Fetched contacts of a run by their vendor ids, in no order.
///
/// # Errors
/// When the database cannot be read, or holds what this version cannot read.
pub async fn contacts(conn: &mut PgConnection, run: Uuid, ids: &[i64]) -> sqlx::Result<Vec<PsaContact>> {
    let rows = sqlx::query_scalar!(
        r#"select contact as "contact: Json<PsaContact>" from staged_contacts
           where run_id = $1 and external_id = any ($2)"#,
        run,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|Json(contact)| contact).collect())
}

/// Ends a provider's run, and drops the rows of all runs that will not go on.
///
/// # Errors
/// When the database cannot be written.
pub async fn end(conn: &mut PgConnection, provider: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from contact_runs where provider = $1", provider).execute(&mut *conn).await?;
    drop_strays(conn).await
}

/// Drops the rows of runs that nobody will go on with.
///
/// # Errors
/// When the database cannot be written.
pub async fn drop_strays(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from staged_contacts where run_id::text <> all (select coalesce(run ->> 'id', '') from contact_runs)"
    )
    .execute(conn)
    .await?;
    Ok(())
}
