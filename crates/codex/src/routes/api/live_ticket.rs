//! A ticket that Codex has not stored, read from the PSA for this one answer (codex-api.md §4.3).

use std::time::Duration;

use chrono::{DateTime, Utc};
use hivematrix_shared::{
    contracts::codex::{PsaId, wire},
    problem::{Problem, Result},
};
use http::StatusCode;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::reader::Reader;
use crate::{
    Codex,
    domain::{priority, status},
    providers::{Conversation, Pace, ProviderError, PsaTicket, TicketDetail},
    store::companies,
};

/// Longest a reader waits for the PSA.
const PATIENCE: Duration = Duration::from_secs(20);

/// A ticket in the provider's normalised form (§6.3), not stored.
#[derive(Serialize, ToSchema)]
pub struct LiveTicket {
    /// The PSA's id.
    external_id: PsaId,
    /// The PSA's number as text.
    ticket_number: String,
    subject: Option<String>,
    description: Option<String>,
    description_text: Option<String>,
    /// Normalised status.
    status: Option<String>,
    status_id: Option<i32>,
    status_text: String,
    /// Normalised priority.
    priority: Option<String>,
    priority_id: Option<i32>,
    priority_text: String,
    ticket_type: String,
    requester_id: Option<PsaId>,
    requester_email: Option<String>,
    requester_name: Option<String>,
    responder_id: Option<PsaId>,
    group_id: Option<PsaId>,
    /// The PSA's id of the company.
    company_id: Option<PsaId>,
    /// The company's level; `null` when Codex does not know the company.
    company_compliance_level: Option<String>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    fr_due_by: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    due_by: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    first_responded_at: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    agent_responded_at: Option<DateTime<Utc>>,
    /// Public messages.
    #[schema(value_type = Vec<Object>)]
    conversations: Vec<Conversation>,
    /// Private messages.
    #[schema(value_type = Vec<Object>)]
    notes: Vec<Conversation>,
    /// Sum of all hours booked.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    total_hours_spent: Decimal,
    /// Name of the provider.
    source: &'static str,
}

/// Reads a ticket by the PSA's id; none when the PSA has no such ticket, or there is no PSA to ask.
///
/// # Errors
/// 500 with the provider's words when it fails, 403 when the ticket is another company's.
pub async fn read(
    codex: &Codex,
    reader: &Reader,
    id: i64,
    provider: Option<&str>,
) -> Result<Option<LiveTicket>> {
    let provider = match codex.sync.vendors().psa.get(provider) {
        Ok(provider) => provider,
        Err(ProviderError::Unknown { .. } | ProviderError::NotConfigured { .. }) => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let source = provider.name();
    let ask = async {
        let Some(ticket) = provider.ticket(id, Pace::Now).await? else { return Ok(None) };
        let detail = provider.ticket_detail(id, Pace::Now).await?.unwrap_or_default();
        Ok::<_, ProviderError>(Some((ticket, detail)))
    };
    let found = tokio::time::timeout(PATIENCE, ask)
        .await
        .map_err(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR).error("The PSA does not answer in time.")
        })?
        .map_err(|error| failed(&error))?;
    let Some((ticket, detail)) = found else { return Ok(None) };
    let company = match ticket.department_id {
        Some(id) => companies::by_vendor_id(&codex.pool, source, id).await?,
        None => None,
    };
    reader.may_see(company.as_ref().map(|company| company.account_number.as_str()))?;
    Ok(Some(live(ticket, detail, company.map(|company| company.compliance_level), source)))
}

fn failed(error: &ProviderError) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR).error(error.to_string()).cause(error)
}

fn live(ticket: PsaTicket, detail: TicketDetail, level: Option<String>, source: &'static str) -> LiveTicket {
    let total_hours_spent = detail.time_entries.iter().map(|entry| entry.hours).sum();
    let (notes, conversations) = detail.conversations.into_iter().partition(|entry| entry.private);
    let closed_at = ticket.closing();
    LiveTicket {
        external_id: PsaId(ticket.external_id),
        ticket_number: ticket.ticket_number,
        subject: ticket.subject,
        description: ticket.description,
        description_text: ticket.description_text,
        status_text: wire::status_text(ticket.status.as_deref().unwrap_or(status::UNKNOWN)),
        status: ticket.status,
        status_id: ticket.status_id,
        priority_text: wire::priority_text(ticket.priority.as_deref().unwrap_or(priority::UNKNOWN)),
        priority: ticket.priority,
        priority_id: ticket.priority_id,
        ticket_type: ticket.ticket_type,
        requester_id: ticket.requester_id.map(PsaId),
        requester_email: ticket.requester_email,
        requester_name: ticket.requester_name,
        responder_id: ticket.responder_id.map(PsaId),
        group_id: ticket.group_id.map(PsaId),
        company_id: ticket.department_id.map(PsaId),
        company_compliance_level: level,
        created_at: ticket.created_at,
        updated_at: ticket.updated_at,
        closed_at,
        fr_due_by: ticket.fr_due_by,
        due_by: ticket.due_by,
        first_responded_at: ticket.first_responded_at,
        agent_responded_at: ticket.agent_responded_at,
        conversations,
        notes,
        total_hours_spent,
        source,
    }
}
