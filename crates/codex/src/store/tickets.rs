//! Tickets outside the board.

pub mod company;

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::{
    PsaId, TimeEntry,
    wire::{self, priority_text, status_text},
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{PgPool, types::Json};
use utoipa::ToSchema;

use super::Page;
use crate::domain::{priority, status};

/// Item of `GET /api/tickets`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TicketItem {
    /// Codex's id.
    pub id: i64,
    /// The PSA's number as text.
    pub ticket_number: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// Plain text of the request.
    pub description_text: Option<String>,
    /// Normalised status.
    pub status: Option<String>,
    /// Normalised priority.
    pub priority: Option<String>,
    /// Account number of the company.
    pub company_id: Option<String>,
    /// The company's level; `null` when the company is unknown.
    pub company_compliance_level: Option<String>,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Name of the requester.
    pub requester_name: Option<String>,
    /// When the ticket was opened.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<DateTime<Utc>>,
    /// When the ticket was last changed.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_updated_at: Option<DateTime<Utc>>,
    /// When the ticket was closed.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<DateTime<Utc>>,
    /// Hours booked.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub total_hours_spent: Decimal,
}

/// Which tickets `GET /api/tickets` lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only those of these companies.
    pub only: Option<&'a [String]>,
    /// Only those with this normalised status.
    pub status: Option<&'a str>,
    /// Only those with this normalised priority.
    pub priority: Option<&'a str>,
}

/// A page of tickets, newest change first.
pub async fn page(
    pool: &PgPool,
    selection: Selection<'_>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Page<TicketItem>> {
    let items = sqlx::query_as!(
        TicketItem,
        r#"
        select t.id as "id!", t.ticket_number, t.subject, t.description_text, t.status, t.priority,
            t.company_account_number as company_id, c.compliance_level as "company_compliance_level?",
            t.requester_email, t.requester_name, t.created_at, t.last_updated_at, t.closed_at,
            t.total_hours_spent as "total_hours_spent!"
        from ticket_details t
        left join companies c on c.account_number = t.company_account_number
        where ($1::text[] is null or t.company_account_number = any($1))
            and ($2::text is null or t.status = $2) and ($3::text is null or t.priority = $3)
        order by t.last_updated_at desc nulls last, t.id
        limit $4 offset $5
        "#,
        selection.only,
        selection.status,
        selection.priority,
        limit,
        offset
    )
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar!(
        r#"
        select count(*) as "count!" from ticket_details t
        where ($1::text[] is null or t.company_account_number = any($1))
            and ($2::text is null or t.status = $2) and ($3::text is null or t.priority = $3)
        "#,
        selection.only,
        selection.status,
        selection.priority
    )
    .fetch_one(pool)
    .await?;
    Ok(Page { items, total })
}

/// Answer of `GET /api/ticket/<id>` for a stored ticket.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StoredTicket {
    /// The PSA's id.
    pub id: PsaId,
    /// The PSA's id.
    pub external_id: PsaId,
    /// Codex's id.
    pub ticket_id: i64,
    /// The PSA's number as text.
    pub ticket_number: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// HTML of the request.
    pub description: Option<String>,
    /// Plain text of the request.
    pub description_text: Option<String>,
    /// Normalised status.
    pub status: Option<String>,
    /// Readable status.
    pub status_text: String,
    /// Normalised priority.
    pub priority: Option<String>,
    /// Readable priority.
    pub priority_text: String,
    /// Account number of the company.
    pub company_id: Option<String>,
    /// Name of the company.
    pub company_name: Option<String>,
    /// The company's level; `null` when the company is unknown.
    pub company_compliance_level: Option<String>,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Name of the requester.
    pub requester_name: Option<String>,
    /// The PSA's id of the agent.
    pub responder_id: Option<PsaId>,
    /// Name, else `Agent <id>`, else `Unassigned`.
    pub agent_name: String,
    /// When the ticket was opened.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<DateTime<Utc>>,
    /// When the ticket was last changed.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_updated_at: Option<DateTime<Utc>>,
    /// When the ticket was closed.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<DateTime<Utc>>,
    /// Hours booked.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub total_hours_spent: Decimal,
    /// Public messages.
    #[schema(value_type = Vec<Object>)]
    pub conversations: Box<RawValue>,
    /// Private messages.
    #[schema(value_type = Vec<Object>)]
    pub notes: Box<RawValue>,
    /// The hours one by one.
    pub time_entries: Vec<TimeEntry>,
    /// Name of the provider.
    pub source: String,
}

/// How a ticket is named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TicketName<'a> {
    /// By Codex's id.
    Internal(i64),
    /// By the PSA's id; of the preferred provider where several have one of that id.
    External {
        /// The id.
        id: i64,
        /// Only of this provider.
        provider: Option<&'a str>,
        /// Of this one first.
        preferred: &'a str,
    },
}

/// One stored ticket. Notes are what agents write for each other: a customer gets none.
pub async fn find(
    pool: &PgPool,
    name: TicketName<'_>,
    with_notes: bool,
) -> sqlx::Result<Option<StoredTicket>> {
    let (internal, external, provider, preferred) = match name {
        TicketName::Internal(id) => (Some(id), None, None, ""),
        TicketName::External { id, provider, preferred } => (None, Some(id), provider, preferred),
    };
    let row = sqlx::query!(
        r#"
        select t.id as "id!", t.external_id as "external_id!", t.external_source as "external_source!", t.ticket_number, t.subject, t.description, t.description_text,
            t.status, t.priority, t.company_account_number, c.name as "company_name?",
            c.compliance_level as "compliance_level?", t.requester_email, t.requester_name, t.responder_id,
            nullif(concat_ws(' ', nullif(a.first_name, ''), nullif(a.last_name, '')), '') as agent_name,
            t.created_at, t.last_updated_at, t.closed_at, t.total_hours_spent as "total_hours_spent!",
            t.conversations as "conversations!: Json<Box<RawValue>>",
            case when $5 then t.notes else '[]' end as "notes!: Json<Box<RawValue>>",
            e.entries as "entries!: Json<Vec<TimeEntry>>"
        from ticket_details t
        left join companies c on c.account_number = t.company_account_number
        left join psa_agents a on a.external_source = t.external_source and a.external_id = t.responder_id
        cross join lateral (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'hours', hours, 'billable', billable,
                'executed_at', executed_at, 'agent_id', agent_id, 'updated_at', updated_at) order by id), '[]') as entries
            from ticket_time_entries where ticket_id = t.id) e
        where (t.id = $1 or t.external_id = $2) and ($3::text is null or t.external_source = $3)
        order by (t.external_source = $4) desc, t.id
        limit 1
        "#,
        internal,
        external,
        provider,
        preferred,
        with_notes
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| StoredTicket {
        id: PsaId(row.external_id),
        external_id: PsaId(row.external_id),
        ticket_id: row.id,
        ticket_number: row.ticket_number,
        subject: row.subject,
        description: row.description,
        description_text: row.description_text,
        status_text: status_text(row.status.as_deref().unwrap_or(status::UNKNOWN)),
        status: row.status,
        priority_text: priority_text(row.priority.as_deref().unwrap_or(priority::UNKNOWN)),
        priority: row.priority,
        company_id: row.company_account_number,
        company_name: row.company_name,
        company_compliance_level: row.compliance_level,
        requester_email: row.requester_email,
        requester_name: row.requester_name,
        agent_name: agent_name(row.responder_id, row.agent_name),
        responder_id: row.responder_id.map(PsaId),
        created_at: row.created_at,
        last_updated_at: row.last_updated_at,
        closed_at: row.closed_at,
        total_hours_spent: row.total_hours_spent,
        conversations: row.conversations.0,
        notes: row.notes.0,
        time_entries: row.entries.0,
        source: row.external_source,
    }))
}

/// The name of a ticket's agent: known, else `Agent <id>`, else `Unassigned`.
pub fn agent_name(responder_id: Option<i64>, known: Option<String>) -> String {
    match responder_id {
        Some(id) => known.unwrap_or_else(|| format!("Agent {id}")),
        None => "Unassigned".to_owned(),
    }
}
