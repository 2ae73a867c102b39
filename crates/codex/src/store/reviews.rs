//! What a person has to decide because a guess could be wrong: two records of one thing, a company without a number.
//!
//! A cause that is found again does not come twice, and one that is gone settles its item by itself. What a person has
//! decided stays decided, also while the cause goes on.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::Page;
use crate::domain::review::DUPLICATE_ASSET;

/// Kind: two contacts of a vendor, or of two vendors, with one address.
pub const DUPLICATE_CONTACT: &str = "duplicate_contact";
/// Kind: two companies with one account number.
pub const DUPLICATE_COMPANY: &str = "duplicate_company";
/// Kind: a company without an account number, which cannot be stored.
pub const COMPANY_WITHOUT_NUMBER: &str = "company_without_number";

/// In `resolved_by` of items whose cause has gone.
const NOBODY: &str = "sync";

/// Something to decide, as it was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Finding {
    /// Key of the record it is about, such as `freshservice:19000100001`. It begins with the scope that
    /// [`settle_missing`] later compares.
    pub subject: String,
    /// Key of the record it may be the same as, or belong to; empty when there is none.
    pub other: String,
    /// The reason, in words.
    pub detail: String,
    /// What could be done about it, for the page that shows it.
    pub proposal: Option<Value>,
}

impl Finding {
    /// The key of a vendor's record: its id alone could be another vendor's as well.
    pub fn key(source: &str, id: impl std::fmt::Display) -> String {
        format!("{source}:{id}")
    }
}

/// A stored item.
#[derive(Debug, Clone)]
pub struct ReviewItem {
    /// Database id.
    pub id: i64,
    /// `duplicate_contact`, `rmm_site`, …
    pub kind: String,
    /// Key of the record it is about.
    pub subject: String,
    /// Key of the other record.
    pub other: String,
    /// The reason, in words.
    pub detail: String,
    /// What could be done about it.
    pub proposal: Option<Value>,
    /// First found.
    pub found_at: DateTime<Utc>,
    /// Last found.
    pub last_seen_at: DateTime<Utc>,
    /// Decided, or its cause gone.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Who decided; `sync` when the cause has gone.
    pub resolved_by: Option<String>,
    /// What was decided.
    pub resolution: Option<String>,
    /// Why.
    pub note: Option<String>,
}

/// Stores what was found. An item that had settled itself is open again; one a person has decided stays decided.
///
/// # Errors
/// When the database cannot be written.
pub async fn raise(
    conn: &mut PgConnection,
    kind: &str,
    findings: &[Finding],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into review_items as r (kind, subject, other, detail, proposal, found_at, last_seen_at)
         select distinct on (f.subject, f.other) $1, f.subject, f.other, f.detail, f.proposal, $3, $3
         from jsonb_to_recordset($2) as f (subject text, other text, detail text, proposal jsonb)
         on conflict (kind, subject, other) do update set
             detail = excluded.detail, proposal = excluded.proposal, last_seen_at = excluded.last_seen_at,
             found_at = case when r.resolved_by = $4 then excluded.found_at else r.found_at end,
             resolved_at = case when r.resolved_by = $4 then null else r.resolved_at end,
             resolution = case when r.resolved_by = $4 then null else r.resolution end,
             resolved_by = nullif(r.resolved_by, $4)",
        kind,
        sqlx::types::Json(findings) as _,
        now,
        NOBODY
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Settles the open items of a kind that a complete look has not found again. `scope` is the beginning of the subjects
/// that were looked at, such as `freshservice:`; everything else stays as it is. Returns how many have settled.
///
/// # Errors
/// When the database cannot be written.
pub async fn settle_missing(
    conn: &mut PgConnection,
    kind: &str,
    scope: &str,
    seen: &[Finding],
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let (subjects, others): (Vec<&str>, Vec<&str>) =
        seen.iter().map(|finding| (finding.subject.as_str(), finding.other.as_str())).unzip();
    let done = sqlx::query!(
        "update review_items r set resolved_at = greatest($3, found_at), resolved_by = $4,
             resolution = 'the cause is gone'
         where kind = $1 and starts_with(subject, $2) and resolved_at is null
           and not exists (select from unnest($5::text[], $6::text[]) as s (subject, other)
               where s.subject = r.subject and s.other = r.other)",
        kind,
        scope,
        now,
        NOBODY,
        subjects as _,
        others as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Asks about assets of a provider that have the host name of another asset of their company: the same machine set up
/// again, or two. Takes back the questions whose assets differ by now.
///
/// # Errors
/// When the database cannot be written.
pub async fn ask_about_assets(
    conn: &mut PgConnection,
    provider: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let asked = sqlx::query!(
        r#"
        insert into review_items as r (kind, subject, other, detail, proposal, found_at, last_seen_at)
        select $2, a.id::text, b.id::text,
            'two assets of company ' || a.company_account_number || ' have the name ' || a.hostname,
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
        DUPLICATE_ASSET,
        now,
        NOBODY
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
        DUPLICATE_ASSET,
        now,
        NOBODY
    )
    .execute(conn)
    .await?;
    Ok(asked.rows_affected())
}

/// Items, those found first at the front.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    pool: &PgPool,
    kind: Option<&str>,
    also_resolved: bool,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Page<ReviewItem>> {
    let total = sqlx::query_scalar!(
        r#"select count(*) as "count!" from review_items
           where ($1::text is null or kind = $1) and ($2 or resolved_at is null)"#,
        kind,
        also_resolved
    )
    .fetch_one(pool)
    .await?;
    let items = sqlx::query_as!(
        ReviewItem,
        "select id, kind, subject, other, detail, proposal, found_at, last_seen_at, resolved_at, resolved_by,
             resolution, note
         from review_items where ($1::text is null or kind = $1) and ($2 or resolved_at is null)
         order by resolved_at is not null, found_at, id limit $3 offset $4",
        kind,
        also_resolved,
        limit,
        offset
    )
    .fetch_all(pool)
    .await?;
    Ok(Page { items, total })
}

/// What became of a decision.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// It counts.
    Done(ReviewItem),
    /// Somebody else was faster, or the cause has gone.
    Already(ReviewItem),
    /// There is no such item.
    Missing,
}

/// Writes down what a person has decided.
///
/// # Errors
/// When the database cannot be written.
pub async fn resolve(
    conn: &mut PgConnection,
    id: i64,
    resolution: &str,
    note: Option<&str>,
    by: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Resolved> {
    let done = sqlx::query_as!(
        ReviewItem,
        "update review_items set resolved_at = greatest($2, found_at), resolved_by = $3, resolution = $4, note = $5
         where id = $1 and resolved_at is null
         returning id, kind, subject, other, detail, proposal, found_at, last_seen_at, resolved_at, resolved_by,
             resolution, note",
        id,
        now,
        by,
        resolution,
        note
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(item) = done {
        return Ok(Resolved::Done(item));
    }
    let known = sqlx::query_as!(
        ReviewItem,
        "select id, kind, subject, other, detail, proposal, found_at, last_seen_at, resolved_at, resolved_by,
             resolution, note
         from review_items where id = $1",
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(known.map_or(Resolved::Missing, Resolved::Already))
}
