//! The detail phase's side of a ticket: messages, bookings, and when they are next due.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::unit;
use crate::providers::{Conversation, TicketDetail};

/// A ticket whose details have to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTicket {
    /// Database id.
    pub id: i64,
    /// Vendor id.
    pub external_id: i64,
    /// Since when; tells later whether the ticket has changed again meanwhile.
    pub due_at: DateTime<Utc>,
    /// Failed attempts so far.
    pub attempts: i32,
}

/// How many tickets are due, of those that changed since a moment where one is given.
///
/// # Errors
/// When the database cannot be read.
pub async fn count_due(
    pool: &PgPool,
    provider: &str,
    now: DateTime<Utc>,
    changed_since: Option<DateTime<Utc>>,
) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from ticket_details
           where external_source = $1 and detail_due_at <= $2
             and ($3::timestamptz is null or last_updated_at >= $3)"#,
        provider,
        now,
        changed_since
    )
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The tickets whose details are due, those on the board first, then the most recently changed; of those that changed since
/// a moment where one is given.
///
/// # Errors
/// When the database cannot be read.
pub async fn due(
    pool: &PgPool,
    provider: &str,
    now: DateTime<Utc>,
    changed_since: Option<DateTime<Utc>>,
    limit: i64,
) -> sqlx::Result<Vec<DueTicket>> {
    sqlx::query_as!(
        DueTicket,
        r#"select id, external_id, detail_due_at as "due_at!", detail_attempts as attempts from ticket_details
           where external_source = $1 and detail_due_at <= $2
             and ($4::timestamptz is null or last_updated_at >= $4)
           order by is_active desc, last_updated_at desc nulls last, id limit $3"#,
        provider,
        now,
        limit,
        changed_since
    )
    .fetch_all(pool)
    .await
}

/// Stores what the vendor has for one ticket. Bookings that are no longer there are removed: the list was complete. One that
/// is there and could not be read stays as it is stored, and one without a name might be any, so that none is removed then.
///
/// # Errors
/// When the database cannot be written; nothing is stored then.
pub async fn save(
    pool: &PgPool,
    provider: &str,
    ticket: &DueTicket,
    detail: &TicketDetail,
) -> sqlx::Result<()> {
    let (notes, conversations): (Vec<&Conversation>, Vec<&Conversation>) =
        detail.conversations.iter().partition(|entry| entry.private);
    let mut tx = unit::begin(pool).await?;
    save_time_entries(&mut tx, provider, ticket.id, detail).await?;
    sqlx::query!(
        "update ticket_details set conversations = $2, notes = $3, detail_attempts = 0,
             total_hours_spent = (select coalesce(sum(hours), 0) from ticket_time_entries where ticket_id = $1),
             description = coalesce($5, description), description_text = coalesce($6, description_text),
             detail_due_at = case when detail_due_at is distinct from $4 then detail_due_at end
         where id = $1",
        ticket.id,
        sqlx::types::Json(&conversations) as _,
        sqlx::types::Json(&notes) as _,
        ticket.due_at,
        detail.description.as_ref().map(|description| description.html.as_str()),
        detail.description.as_ref().map(|description| description.text.as_str())
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

async fn save_time_entries(
    conn: &mut PgConnection,
    provider: &str,
    ticket: i64,
    detail: &TicketDetail,
) -> sqlx::Result<()> {
    let entries = &detail.time_entries;
    sqlx::query!(
        "insert into ticket_time_entries as t
             (external_id, external_source, ticket_id, agent_id, hours, billable, executed_at, created_at, updated_at)
         select e.external_id, $2, $3, e.agent_id, e.hours, e.billable, e.executed_at, e.created_at, e.updated_at
         from jsonb_to_recordset($1) as e (external_id bigint, agent_id bigint, hours numeric, billable boolean,
             executed_at timestamptz, created_at timestamptz, updated_at timestamptz)
         on conflict (external_id, external_source) do update set
             ticket_id = excluded.ticket_id, agent_id = excluded.agent_id, hours = excluded.hours,
             billable = excluded.billable, executed_at = excluded.executed_at, created_at = excluded.created_at,
             updated_at = excluded.updated_at",
        sqlx::types::Json(entries) as _,
        provider,
        ticket
    )
    .execute(&mut *conn)
    .await?;
    let read = entries.iter().map(|entry| Some(entry.external_id));
    let Some(present) = read.chain(detail.unread_entries.iter().copied()).collect::<Option<Vec<i64>>>()
    else {
        return Ok(());
    };
    sqlx::query!(
        "delete from ticket_time_entries where ticket_id = $1 and external_source = $2 and external_id <> all ($3)",
        ticket,
        provider,
        &present
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a ticket off after a failed attempt.
///
/// # Errors
/// When the database cannot be written.
pub async fn put_off(pool: &PgPool, ticket: &DueTicket, until: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = unit::begin(pool).await?;
    sqlx::query!(
        "update ticket_details set detail_due_at = $2, detail_attempts = detail_attempts + 1
         where id = $1 and detail_due_at = $3",
        ticket.id,
        until,
        ticket.due_at
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Which tickets become due although nothing says that their details have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// All of the provider.
    All,
    /// Those that changed since a moment, and those on the board where asked for. A booking does not always change its
    /// ticket's update time.
    Since(DateTime<Utc>, OnBoard),
}

/// Whether tickets on the board are meant as well, whenever they changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBoard {
    /// Yes.
    Too,
    /// Only if they changed.
    No,
}

/// Makes the details of tickets due that are not due already; those of tickets that are gone never are.
///
/// # Errors
/// When the database cannot be written.
pub async fn make_due(pool: &PgPool, provider: &str, stale: Stale, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let (since, on_board) = match stale {
        Stale::All => (None, false),
        Stale::Since(since, on_board) => (Some(since), on_board == OnBoard::Too),
    };
    let mut tx = unit::begin(pool).await?;
    let done = sqlx::query!(
        "with stale as materialized (
             select id from ticket_details
             where external_source = $1 and (detail_due_at is null or detail_due_at > $3)
               and ($2::timestamptz is null or (is_active and $4) or last_updated_at >= $2)
               and coalesce(status, '') not in ('deleted', 'spam', 'trash')
             order by id for update)
         update ticket_details t set detail_due_at = $3,
             -- one that failed keeps its count, so that the next failure puts it off for longer still
             detail_attempts = case when t.detail_due_at is null then 0 else t.detail_attempts end
         from stale where t.id = stale.id",
        provider,
        since,
        now,
        on_board
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
