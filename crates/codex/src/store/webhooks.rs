//! Reported events and the tickets they are about.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::sync_state::EVENTS;
use crate::domain::{
    webhook::{Kind, TicketEvent},
    webhook_effect::Known,
};

/// What an event did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Effect {
    /// The ticket is new.
    Created,
    /// The ticket has what the event told; names of what is different now.
    Updated(Vec<&'static str>),
    /// The ticket is gone, and this is its status.
    Deleted(String),
    /// The event came too late.
    Outdated,
    /// There is no such ticket to be removed.
    Unknown,
}

struct Row {
    id: i64,
    known: Known,
}

/// Applies an event that came at `now`.
///
/// # Errors
/// When the database cannot be written; then nothing is.
pub async fn apply(
    pool: &PgPool,
    provider: &str,
    event: &TicketEvent,
    now: DateTime<Utc>,
) -> sqlx::Result<Effect> {
    let mut tx = pool.begin().await?;
    let effect = match find(&mut tx, provider, event.ticket_id).await? {
        Some(row) => change(&mut tx, &row, provider, event, now).await?,
        None if event.kind == Kind::Deleted => Effect::Unknown,
        None => create(&mut tx, provider, event, now).await?,
    };
    if matches!(effect, Effect::Created | Effect::Updated(_) | Effect::Deleted(_)) {
        accepted(&mut tx, provider, now).await?;
    }
    tx.commit().await?;
    Ok(effect)
}

async fn change(
    conn: &mut PgConnection,
    row: &Row,
    provider: &str,
    event: &TicketEvent,
    now: DateTime<Utc>,
) -> sqlx::Result<Effect> {
    if row.known.is_newer_than(event) {
        return Ok(Effect::Outdated);
    }
    let (next, effect) = if event.kind == Kind::Deleted {
        (row.known.ended(event, now), Effect::Deleted(event.end().to_owned()))
    } else {
        let company = company_of(conn, provider, event.department_id).await?;
        let next = row.known.with(event, company, now);
        let changes = row.known.changes_to(&next);
        (next, Effect::Updated(changes))
    };
    if next != row.known {
        update(conn, row.id, &next, event.kind != Kind::Deleted, now).await?;
    }
    Ok(effect)
}

/// The stored ticket, locked until the end of the transaction.
async fn find(conn: &mut PgConnection, provider: &str, external_id: i64) -> sqlx::Result<Option<Row>> {
    let row = sqlx::query!(
        "select id, company_account_number, subject, status, status_id, priority, priority_id, requester_id,
             requester_email, requester_name, responder_id, group_id, department_id, created_at, last_updated_at,
             closed_at, webhook_updated_at
         from ticket_details where external_source = $1 and external_id = $2 for update",
        provider,
        external_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Row {
        id: row.id,
        known: Known {
            company: row.company_account_number,
            subject: row.subject,
            status: row.status,
            status_id: row.status_id,
            priority: row.priority,
            priority_id: row.priority_id,
            requester_id: row.requester_id,
            requester_email: row.requester_email,
            requester_name: row.requester_name,
            responder_id: row.responder_id,
            group_id: row.group_id,
            department_id: row.department_id,
            created_at: row.created_at,
            last_updated_at: row.last_updated_at,
            closed_at: row.closed_at,
            webhook_updated_at: row.webhook_updated_at,
        },
    }))
}

async fn company_of(
    conn: &mut PgConnection,
    provider: &str,
    department: Option<i64>,
) -> sqlx::Result<Option<String>> {
    let Some(department) = department else { return Ok(None) };
    sqlx::query_scalar!(
        "select account_number from companies where external_source = $1 and external_id = $2",
        provider,
        department
    )
    .fetch_optional(conn)
    .await
}

/// Messages and hours of a changed ticket become due; those of one that is gone do not.
async fn update(
    conn: &mut PgConnection,
    id: i64,
    next: &Known,
    read_details: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update ticket_details set company_account_number = $2, subject = $3, status = $4, status_id = $5,
             priority = $6, priority_id = $7, requester_id = $8, requester_email = $9, requester_name = $10,
             responder_id = $11, group_id = $12, department_id = $13, created_at = $14, last_updated_at = $15,
             closed_at = $16, webhook_updated_at = $17, detail_due_at = case when $18 then $17::timestamptz end,
             detail_attempts = 0
         where id = $1",
        id,
        next.company,
        next.subject,
        next.status,
        next.status_id,
        next.priority,
        next.priority_id,
        next.requester_id,
        next.requester_email,
        next.requester_name,
        next.responder_id,
        next.group_id,
        next.department_id,
        next.created_at,
        next.last_updated_at,
        next.closed_at,
        now,
        read_details
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn create(
    conn: &mut PgConnection,
    provider: &str,
    event: &TicketEvent,
    now: DateTime<Utc>,
) -> sqlx::Result<Effect> {
    let company = company_of(conn, provider, event.department_id).await?;
    let new = Known::new(event, company, now);
    let done = sqlx::query!(
        "insert into ticket_details (external_id, external_source, company_account_number, ticket_number, subject,
             status, status_id, priority, priority_id, ticket_type, requester_id, requester_email, requester_name,
             responder_id, group_id, department_id, created_at, last_updated_at, closed_at, webhook_updated_at,
             detail_due_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'Incident', $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19)
         on conflict (external_id, external_source) do nothing",
        event.ticket_id,
        provider,
        new.company,
        event.ticket_id.to_string(),
        new.subject,
        new.status,
        new.status_id,
        new.priority,
        new.priority_id,
        new.requester_id,
        new.requester_email,
        new.requester_name,
        new.responder_id,
        new.group_id,
        new.department_id,
        new.created_at,
        new.last_updated_at,
        new.closed_at,
        now
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() > 0 {
        return Ok(Effect::Created);
    }
    // A sync or another event has written it meanwhile, and by now that is visible.
    match find(conn, provider, event.ticket_id).await? {
        Some(row) => change(conn, &row, provider, event, now).await,
        // And removed again.
        None => Ok(Effect::Unknown),
    }
}

/// An accepted event makes the board as fresh as a sync would (codex-api.md §5).
async fn accepted(conn: &mut PgConnection, provider: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sync_state as s (provider, kind, last_completed_at) values ($1, $2, $3)
         on conflict (provider, kind) do update set
             last_completed_at = greatest(s.last_completed_at, excluded.last_completed_at)",
        provider,
        EVENTS,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
