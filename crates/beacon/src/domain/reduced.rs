//! What a screen in the room shows of a ticket: nothing about customers, and the subject only where the link allows it
//! (beacon.md §4.1).

use chrono::{DateTime, Utc};
use hivematrix_shared::contracts::codex::{PsaId, SlaColor, Ticket, wire};
use serde::Serialize;
use utoipa::ToSchema;

/// A ticket without customer, description, links and filter values. A member that is not named here never leaves.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReducedTicket<'a> {
    id: i64,
    external_id: PsaId,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    agent_name: &'a str,
    priority: Option<i64>,
    priority_raw: Option<i64>,
    priority_text: &'a str,
    status: Option<i64>,
    status_text: &'a str,
    sla_text: &'a str,
    sla_color: SlaColor,
    sla_class: &'a str,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<DateTime<Utc>>,
    created_at_str: &'a str,
    updated_at_str: &'a str,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    fr_due_by_str: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    due_by_str: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    first_responded_at_iso: Option<DateTime<Utc>>,
    updated_friendly: &'a str,
    created_days_old: &'a str,
}

impl<'a> ReducedTicket<'a> {
    /// What is shown of `ticket`.
    pub fn new(ticket: &'a Ticket, subjects: bool) -> Self {
        Self {
            id: ticket.id,
            external_id: ticket.external_id,
            subject: subjects.then_some(ticket.subject.as_str()),
            agent_name: &ticket.agent_name,
            priority: ticket.priority,
            priority_raw: ticket.priority_raw,
            priority_text: &ticket.priority_text,
            status: ticket.status,
            status_text: &ticket.status_text,
            sla_text: &ticket.sla_text,
            sla_color: ticket.sla_color,
            sla_class: &ticket.sla_class,
            kind: ticket.kind.as_deref(),
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            created_at_str: &ticket.created_at_str,
            updated_at_str: &ticket.updated_at_str,
            fr_due_by_str: ticket.fr_due_by,
            due_by_str: ticket.due_by,
            first_responded_at_iso: ticket.first_responded_at,
            updated_friendly: &ticket.updated_friendly,
            created_days_old: &ticket.created_days_old,
        }
    }
}
