//! Tickets as `GET /api/psa/tickets` and `/api/psa/tickets/active` list them (codex-api.md §4.3).

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::{PsaId, wire};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::tickets::agent_name;

/// Members of both lists.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PsaTicket {
    /// Codex's id.
    pub id: i64,
    /// The PSA's id.
    pub external_id: PsaId,
    /// Name of the provider.
    pub source: String,
    /// The PSA's number as text.
    pub ticket_number: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// Normalised status.
    pub status: Option<String>,
    /// Normalised priority.
    pub priority: Option<String>,
    /// Account number of the company.
    pub company_id: Option<String>,
    /// Name of the company, else `Unknown`.
    pub company_name: String,
    /// The company's level; `null` when the company is unknown.
    pub company_compliance_level: Option<String>,
    /// Name of the requester.
    pub requester_name: Option<String>,
    /// The PSA's id of the agent.
    pub responder_id: Option<PsaId>,
    /// The PSA's id of the group.
    pub group_id: Option<PsaId>,
    /// When the ticket was opened.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<DateTime<Utc>>,
    /// When the ticket was last changed.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<DateTime<Utc>>,
}

/// Item of `GET /api/psa/tickets`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PsaTicketItem {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: PsaTicket,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Hours booked.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub total_hours: Decimal,
}

/// Item of `GET /api/psa/tickets/active`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActivePsaTicket {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: PsaTicket,
    /// Name of the agent, else `Unassigned`.
    pub responder_name: String,
    /// When the first answer is due.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fr_due_by: Option<DateTime<Utc>>,
    /// When the ticket is due.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_by: Option<DateTime<Utc>>,
}

/// Which tickets are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only those of these companies.
    pub only: Option<&'a [String]>,
    /// Only those of this provider.
    pub provider: Option<&'a str>,
    /// Only those with one of these statuses.
    pub statuses: Option<&'a [String]>,
    /// At most so many.
    pub limit: Option<i64>,
    /// Most urgent first instead of newest change first.
    pub urgent_first: bool,
}

struct Row {
    ticket: PsaTicket,
    requester_email: Option<String>,
    total_hours: Decimal,
    responder_name: String,
    fr_due_by: Option<DateTime<Utc>>,
    due_by: Option<DateTime<Utc>>,
}

/// Tickets of all states.
pub async fn all(pool: &PgPool, selection: Selection<'_>) -> sqlx::Result<Vec<PsaTicketItem>> {
    Ok(rows(pool, selection)
        .await?
        .into_iter()
        .map(|row| PsaTicketItem {
            ticket: row.ticket,
            requester_email: row.requester_email,
            total_hours: row.total_hours,
        })
        .collect())
}

/// Tickets somebody works on, with their due times.
pub async fn active(pool: &PgPool, selection: Selection<'_>) -> sqlx::Result<Vec<ActivePsaTicket>> {
    Ok(rows(pool, selection)
        .await?
        .into_iter()
        .map(|row| ActivePsaTicket {
            ticket: row.ticket,
            responder_name: row.responder_name,
            fr_due_by: row.fr_due_by,
            due_by: row.due_by,
        })
        .collect())
}

async fn rows(pool: &PgPool, selection: Selection<'_>) -> sqlx::Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"
        select t.id as "id!", t.external_id as "external_id!", t.external_source as "external_source!", t.ticket_number, t.subject, t.status, t.priority,
            t.company_account_number, coalesce(c.name, 'Unknown') as "company_name!",
            c.compliance_level as "compliance_level?", t.requester_name, t.requester_email, t.responder_id,
            nullif(concat_ws(' ', nullif(a.first_name, ''), nullif(a.last_name, '')), '') as agent_name, t.group_id,
            t.created_at, t.last_updated_at, t.fr_due_by, t.due_by,
            t.total_hours_spent as "total_hours_spent!"
        from ticket_details t
        left join companies c on c.account_number = t.company_account_number
        left join psa_agents a on a.external_source = t.external_source and a.external_id = t.responder_id
        where ($1::text[] is null or t.company_account_number = any($1))
            and ($2::text is null or t.external_source = $2) and ($3::text[] is null or t.status = any($3))
        order by case when $5 then coalesce(t.priority_id, 0) end desc, t.last_updated_at desc nulls last, t.id
        limit $4
        "#,
        selection.only,
        selection.provider,
        selection.statuses,
        selection.limit,
        selection.urgent_first
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Row {
            ticket: PsaTicket {
                id: row.id,
                external_id: PsaId(row.external_id),
                source: row.external_source,
                ticket_number: row.ticket_number,
                subject: row.subject,
                status: row.status,
                priority: row.priority,
                company_id: row.company_account_number,
                company_name: row.company_name,
                company_compliance_level: row.compliance_level,
                requester_name: row.requester_name,
                responder_id: row.responder_id.map(PsaId),
                group_id: row.group_id.map(PsaId),
                created_at: row.created_at,
                updated_at: row.last_updated_at,
            },
            requester_email: row.requester_email,
            total_hours: row.total_hours_spent,
            responder_name: agent_name(row.responder_id, row.agent_name),
            fr_due_by: row.fr_due_by,
            due_by: row.due_by,
        })
        .collect())
}
