//! Writing tickets: whole pages at once, never over newer data (codex-api.md §6.5).

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::providers::PsaTicket;

/// What a batch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// New rows.
    pub created: u64,
    /// Changed rows.
    pub updated: u64,
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
    }
}

/// Stores a page of tickets; ids must not repeat within it. A row older than the stored one is left alone, and so is
/// one that says nothing new. The company is set where the department is known and never cleared; response times,
/// requester and tags stay where the row does not carry them, and so does the time of closing while the ticket is over: an
/// event may have told it, and lists tell it of some statuses only. A ticket that changed, or is back from the vendor's bin,
/// becomes due for the detail phase.
///
/// # Errors
/// When the database refuses the rows or cannot be reached.
pub async fn upsert(
    conn: &mut PgConnection,
    provider: &str,
    tickets: &[PsaTicket],
    now: DateTime<Utc>,
) -> sqlx::Result<Written> {
    let rows = sqlx::query_scalar!(
        r#"
        insert into ticket_details as t (
            external_id, external_source, company_account_number, ticket_number, subject, description,
            description_text, status, priority, status_id, priority_id, ticket_type, requester_id, requester_email,
            requester_name, responder_id, group_id, department_id, created_at, last_updated_at, closed_at, fr_due_by,
            due_by, first_responded_at, agent_responded_at, tags, detail_due_at)
        select
            i.external_id, $2, coalesce(c.account_number, o.company_account_number), i.ticket_number, i.subject,
            case when i.description_apart then o.description else i.description end,
            case when i.description_apart then o.description_text else i.description_text end,
            i.status, i.priority, i.status_id, i.priority_id, i.ticket_type,
            i.requester_id, coalesce(i.requester_email, o.requester_email),
            coalesce(i.requester_name, o.requester_name), i.responder_id, i.group_id, i.department_id,
            coalesce(i.created_at, o.created_at), coalesce(i.updated_at, o.last_updated_at, i.created_at),
            case when i.status in ('closed', 'resolved', 'job_complete_bill', 'billing_complete')
                then coalesce(i.closed_at, o.closed_at, case when i.status = 'closed' then i.updated_at end) end,
            i.fr_due_by, i.due_by,
            case when i.has_stats then i.first_responded_at else o.first_responded_at end,
            case when i.has_stats then i.agent_responded_at else o.agent_responded_at end,
            coalesce(i.tags, o.tags, '[]'), $3
        from jsonb_to_recordset($1) as i (
            external_id bigint, ticket_number text, subject text, description text, description_text text,
            status text, priority text, status_id integer, priority_id integer, ticket_type text,
            requester_id bigint, requester_email text, requester_name text, responder_id bigint, group_id bigint,
            department_id bigint, created_at timestamptz, updated_at timestamptz, closed_at timestamptz,
            fr_due_by timestamptz, due_by timestamptz, has_stats boolean, first_responded_at timestamptz,
            agent_responded_at timestamptz, tags jsonb, description_apart boolean)
        left join companies c on c.external_source = $2 and c.external_id = i.department_id
        -- one look into the index for each row, also while PostgreSQL has no statistics of a growing table
        left join lateral (
            select s.company_account_number, s.created_at, s.last_updated_at, s.closed_at, s.first_responded_at,
                s.agent_responded_at, s.tags, s.description, s.description_text,
                -- the stored requester is only worth keeping while it is the same person
                case when s.requester_id is not distinct from i.requester_id then s.requester_email end as requester_email,
                case when s.requester_id is not distinct from i.requester_id then s.requester_name end as requester_name
            from ticket_details s
            where s.external_source = $2 and s.external_id = i.external_id
            limit 1) o on true
        on conflict (external_id, external_source) do update set
            company_account_number = excluded.company_account_number, ticket_number = excluded.ticket_number,
            subject = excluded.subject, description = excluded.description,
            description_text = excluded.description_text, status = excluded.status, priority = excluded.priority,
            status_id = excluded.status_id, priority_id = excluded.priority_id, ticket_type = excluded.ticket_type,
            requester_id = excluded.requester_id, requester_email = excluded.requester_email,
            requester_name = excluded.requester_name, responder_id = excluded.responder_id,
            group_id = excluded.group_id, department_id = excluded.department_id, created_at = excluded.created_at,
            last_updated_at = excluded.last_updated_at, closed_at = excluded.closed_at,
            fr_due_by = excluded.fr_due_by, due_by = excluded.due_by,
            first_responded_at = excluded.first_responded_at, agent_responded_at = excluded.agent_responded_at,
            tags = excluded.tags,
            detail_due_at = case when excluded.last_updated_at is distinct from t.last_updated_at
                or t.status in ('deleted', 'spam', 'trash') then excluded.detail_due_at else t.detail_due_at end,
            detail_attempts = case when excluded.last_updated_at is distinct from t.last_updated_at
                or t.status in ('deleted', 'spam', 'trash') then 0 else t.detail_attempts end
        -- a time that is ours, because a reported event came without one, is no measure of the vendor's
        where ((excluded.last_updated_at >= t.last_updated_at) is not false
               or (t.last_updated_at = t.webhook_updated_at) is true)
          and (t.company_account_number, t.ticket_number, t.subject, t.description, t.description_text, t.status,
               t.priority, t.status_id, t.priority_id, t.ticket_type, t.requester_id, t.requester_email,
               t.requester_name, t.responder_id, t.group_id, t.department_id, t.created_at, t.last_updated_at,
               t.closed_at, t.fr_due_by, t.due_by, t.first_responded_at, t.agent_responded_at, t.tags)
           is distinct from
              (excluded.company_account_number, excluded.ticket_number, excluded.subject, excluded.description,
               excluded.description_text, excluded.status, excluded.priority, excluded.status_id,
               excluded.priority_id, excluded.ticket_type, excluded.requester_id, excluded.requester_email,
               excluded.requester_name, excluded.responder_id, excluded.group_id, excluded.department_id,
               excluded.created_at, excluded.last_updated_at, excluded.closed_at, excluded.fr_due_by,
               excluded.due_by, excluded.first_responded_at, excluded.agent_responded_at, excluded.tags)
        returning (t.xmax = 0) as "created!"
        "#,
        sqlx::types::Json(tickets) as _,
        provider,
        now
    )
    .fetch_all(conn)
    .await?;
    let created = rows.iter().filter(|created| **created).count() as u64;
    Ok(Written { created, updated: rows.len() as u64 - created })
}

/// A ticket that is gone at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// Vendor id.
    pub external_id: i64,
    /// What it becomes here, `deleted` or `spam`.
    pub status: &'static str,
    /// When the vendor changed it last, where it still tells.
    pub updated_at: Option<DateTime<Utc>>,
}

impl Gone {
    /// One that the vendor no longer has.
    pub fn lost(external_id: i64) -> Self {
        Self { external_id, status: "deleted", updated_at: None }
    }

    /// One in the vendor's bin or spam folder; `None` for one that is in neither.
    pub fn marked(ticket: &PsaTicket) -> Option<Self> {
        let status = match (ticket.deleted, ticket.spam) {
            (true, _) => "deleted",
            (false, true) => "spam",
            (false, false) => return None,
        };
        Some(Self { external_id: ticket.external_id, status, updated_at: ticket.updated_at })
    }
}

/// Which of these tickets are stored and not yet marked as gone.
///
/// # Errors
/// When the database cannot be read.
pub async fn present_among(conn: &mut PgConnection, provider: &str, ids: &[i64]) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select external_id from ticket_details
         where external_source = $1 and external_id = any ($2)
           and coalesce(status, '') not in ('deleted', 'spam', 'trash')",
        provider,
        ids
    )
    .fetch_all(conn)
    .await
}

/// When the stored ones of these tickets were last changed at the vendor.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_changes(
    pool: &PgPool,
    provider: &str,
    ids: &[i64],
) -> sqlx::Result<Vec<(i64, Option<DateTime<Utc>>)>> {
    let rows = sqlx::query!(
        "select external_id, last_updated_at from ticket_details
         where external_source = $1 and external_id = any ($2)",
        provider,
        ids
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.external_id, row.last_updated_at)).collect())
}

/// Marks tickets that are gone at the vendor and returns those that were not marked before. Rows, ids and hours stay: bills
/// are made of them, and a ticket that comes back is the same one.
///
/// # Errors
/// When the database cannot be written.
pub async fn mark_gone(conn: &mut PgConnection, provider: &str, gone: &[Gone]) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "with gone as materialized (
             select t.id, i.status, i.updated_at
             from jsonb_to_recordset($1) as i (external_id bigint, status text, updated_at timestamptz)
             join ticket_details t on t.external_source = $2 and t.external_id = i.external_id
             where coalesce(t.status, '') not in ('deleted', 'spam', 'trash')
             order by t.id for update of t)
         update ticket_details t set status = gone.status, detail_due_at = null, detail_attempts = 0,
             last_updated_at = greatest(t.last_updated_at, gone.updated_at)
         from gone where t.id = gone.id returning t.external_id",
        sqlx::types::Json(gone) as _,
        provider
    )
    .fetch_all(conn)
    .await
}

/// How many tickets of a provider are stored and not marked as gone.
///
/// # Errors
/// When the database cannot be read.
pub async fn count(pool: &PgPool, provider: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from ticket_details
           where external_source = $1 and coalesce(status, '') not in ('deleted', 'spam', 'trash')"#,
        provider
    )
    .fetch_one(pool)
    .await
}

/// Stored tickets, not marked as gone, that a full run has not met.
///
/// # Errors
/// When the database cannot be read.
pub async fn not_seen(pool: &PgPool, provider: &str, run: Uuid) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        "select external_id from ticket_details t
         where external_source = $1 and coalesce(status, '') not in ('deleted', 'spam', 'trash')
           and not exists (select from sync_seen s where s.run_id = $2 and s.external_id = t.external_id)
         order by is_active desc, external_id",
        provider,
        run
    )
    .fetch_all(pool)
    .await
}

/// Gives tickets that came before their company the company they belong to.
///
/// # Errors
/// When the database cannot be written.
pub async fn link_companies(conn: &mut PgConnection, provider: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "with unlinked as materialized (
             select t.id, c.account_number from ticket_details t
             join companies c on c.external_source = $1 and c.external_id = t.department_id
             where t.external_source = $1 and t.company_account_number is distinct from c.account_number
             order by t.id for update of t)
         update ticket_details t set company_account_number = unlinked.account_number from unlinked
         where t.id = unlinked.id",
        provider
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
