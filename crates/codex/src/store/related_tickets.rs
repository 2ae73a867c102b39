//! Tickets that belong to a company, a person or a device, the newest change first; without those that the vendor has in its
//! bin or spam folder, which are kept for their hours only.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::Page;

/// A ticket on the page of what it belongs to.
#[derive(Clone, Debug)]
pub struct RelatedTicket {
    /// The PSA's id.
    pub external_id: i64,
    /// Name of the PSA.
    pub external_source: String,
    /// The number people know it by.
    pub ticket_number: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// Normalised status.
    pub status: Option<String>,
    /// Normalised priority.
    pub priority: Option<String>,
    /// Name of the requester, else its address.
    pub requester: Option<String>,
    /// Whether somebody still works on it.
    pub is_active: bool,
    /// When it was opened.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub last_updated_at: Option<DateTime<Utc>>,
}

/// Tickets of a company, and how many it has.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_company(
    pool: &PgPool,
    account_number: &str,
    limit: i64,
) -> sqlx::Result<Page<RelatedTicket>> {
    let items = sqlx::query_as!(
        RelatedTicket,
        r#"
        select external_id, external_source, ticket_number, subject, status, priority,
            coalesce(requester_name, requester_email) as requester, is_active as "is_active!", created_at,
            last_updated_at
        from ticket_details
        where company_account_number = $1 and coalesce(status, '') not in ('deleted', 'spam', 'trash')
        order by last_updated_at desc nulls last, id desc limit $2
        "#,
        account_number,
        limit
    )
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar!(
        r#"select count(*) as "count!" from ticket_details
           where company_account_number = $1 and coalesce(status, '') not in ('deleted', 'spam', 'trash')"#,
        account_number
    )
    .fetch_one(pool)
    .await?;
    Ok(Page { items, total })
}

/// Tickets a contact has opened: by its addresses, and by its key at the PSA, also those of records that became part of it.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_contact(
    pool: &PgPool,
    id: i64,
    only: Option<&[String]>,
    limit: i64,
) -> sqlx::Result<Vec<RelatedTicket>> {
    sqlx::query_as!(
        RelatedTicket,
        r#"
        with keys as (
            select external_source, external_id from contacts where id = $1 and external_id is not null
            union select external_source, external_id from contact_aliases where contact_id = $1),
        addresses as (
            select lower(email) as email from contacts where id = $1
            union select lower(e) from contacts, jsonb_array_elements_text(
                case when jsonb_typeof(secondary_emails) = 'array' then secondary_emails else '[]' end) e where id = $1),
        found as (
            select t.id from addresses a join ticket_details t on lower(t.requester_email) = a.email
            union select t.id from keys k
                join ticket_details t on t.requester_id = k.external_id and t.external_source = k.external_source)
        select t.external_id, t.external_source, t.ticket_number, t.subject, t.status, t.priority,
            coalesce(t.requester_name, t.requester_email) as requester, t.is_active as "is_active!", t.created_at,
            t.last_updated_at
        from found join ticket_details t using (id)
        where ($2::text[] is null or t.company_account_number = any ($2))
            and coalesce(t.status, '') not in ('deleted', 'spam', 'trash')
        order by t.last_updated_at desc nulls last, t.id desc limit $3
        "#,
        id,
        only,
        limit
    )
    .fetch_all(pool)
    .await
}

/// Tickets of a device: those of its company whose subject names it, and those its users have opened.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_asset(pool: &PgPool, id: i64, limit: i64) -> sqlx::Result<Vec<RelatedTicket>> {
    sqlx::query_as!(
        RelatedTicket,
        r#"
        with users as (
            select c.external_source, c.external_id, lower(c.email) as email
            from asset_contact_link l join contacts c on c.id = l.contact_id where l.asset_id = $1),
        found as (
            select t.id from assets a join ticket_details t on t.company_account_number = a.company_account_number
            where a.id = $1 and length(a.hostname) > 3 and strpos(lower(t.subject), lower(a.hostname)) > 0
            union select t.id from users u join ticket_details t on lower(t.requester_email) = u.email
            union select t.id from users u
                join ticket_details t on t.requester_id = u.external_id and t.external_source = u.external_source)
        select t.external_id, t.external_source, t.ticket_number, t.subject, t.status, t.priority,
            coalesce(t.requester_name, t.requester_email) as requester, t.is_active as "is_active!", t.created_at,
            t.last_updated_at
        from found join ticket_details t using (id)
        where t.company_account_number = (select company_account_number from assets where id = $1)
            and coalesce(t.status, '') not in ('deleted', 'spam', 'trash')
        order by t.last_updated_at desc nulls last, t.id desc limit $2
        "#,
        id,
        limit
    )
    .fetch_all(pool)
    .await
}
