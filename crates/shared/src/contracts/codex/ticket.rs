//! `GET /api/tickets/active`: the board (codex-api.md §5).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::{self, PsaId};

/// The board: all active tickets in four sections, each in display order.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(from = "BoardOnTheWire")]
pub struct ActiveTickets {
    /// Open, no SLA concern, awaiting the first answer; oldest first.
    pub section1: Vec<Ticket>,
    /// The customer answered; longest untouched first.
    pub section2: Vec<Ticket>,
    /// Breached, critical, overdue or urgent; urgent first, then the most critical.
    pub section3: Vec<Ticket>,
    /// Every other active ticket; longest untouched first.
    pub section4: Vec<Ticket>,
    /// End of the newest ticket sync; `null` before the first.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_sync_time: Option<DateTime<Utc>>,
    /// The minute for which texts and colours hold.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_updated: Option<DateTime<Utc>>,
    /// Number of tickets in the four sections.
    pub total_active: usize,
}

/// How urgent a ticket's clock is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SlaColor {
    /// Breached or update overdue.
    Red,
    /// Due within hours.
    Orange,
    /// Due within a day.
    Yellow,
    /// Safe, or without a clock.
    #[default]
    Green,
}

impl SlaColor {
    /// The word used in JSON and class names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Orange => "orange",
            Self::Yellow => "yellow",
            Self::Green => "green",
        }
    }
}

/// One active ticket (codex-api.md §5.3).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(from = "TicketOnTheWire")]
pub struct Ticket {
    /// Codex's own id.
    pub id: i64,
    /// The PSA's id, shown as the ticket's number and used in links.
    pub external_id: PsaId,
    /// The PSA's number as text.
    pub ticket_number: Option<String>,
    /// Subject line; empty when there is none.
    pub subject: String,
    /// Sanitised HTML, at most 10,000 characters.
    pub description: String,
    /// The same as plain text, at most 10,000 characters.
    pub description_text: String,
    /// The PSA's status code.
    pub status: Option<i64>,
    /// Same as `status`.
    pub status_id: Option<i64>,
    /// Normalised status, e.g. `waiting_customer`.
    pub status_key: String,
    /// Readable status, e.g. `Waiting on Customer`.
    pub status_text: String,
    /// The PSA's priority: 1 low to 4 urgent.
    pub priority: Option<i64>,
    /// Same as `priority`, for sorting.
    pub priority_raw: Option<i64>,
    /// Same as `priority`.
    pub priority_id: Option<i64>,
    /// Normalised priority, e.g. `urgent`.
    pub priority_key: String,
    /// Readable priority.
    pub priority_text: String,
    /// `Incident`, `Service Request`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Same as `type`.
    pub ticket_type: Option<String>,
    /// Account number of the company.
    pub company_id: Option<String>,
    /// Name of the company.
    pub company_name: Option<String>,
    /// `standard`, `cjis` or `hipaa`; `null` when the company is unknown.
    pub company_compliance_level: Option<String>,
    /// The PSA's id of the requester.
    pub requester_id: Option<PsaId>,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Name, else `Requester <id>`, else `N/A`.
    pub requester_name: String,
    /// The PSA's id of the agent.
    pub responder_id: Option<PsaId>,
    /// Name, else `Agent <id>`, else `Unassigned`.
    pub agent_name: String,
    /// The PSA's id of the group.
    pub group_id: Option<PsaId>,
    /// Labels in the PSA.
    pub tags: Vec<String>,
    /// Name of the provider.
    pub source: Option<String>,
    /// When the ticket was opened.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<DateTime<Utc>>,
    /// When the ticket was last changed.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<DateTime<Utc>>,
    /// `Nov 22, 09:00 AM`, empty when unknown.
    pub created_at_str: String,
    /// `Nov 22, 09:15 AM`, empty when unknown.
    pub updated_at_str: String,
    /// When the first answer is due.
    #[serde(rename = "fr_due_by_str", with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fr_due_by: Option<DateTime<Utc>>,
    /// When the ticket is due.
    #[serde(rename = "due_by_str", with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_by: Option<DateTime<Utc>>,
    /// When the first answer was given.
    #[serde(rename = "first_responded_at_iso", with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_responded_at: Option<DateTime<Utc>>,
    /// When an agent last answered.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub agent_responded_at: Option<DateTime<Utc>>,
    /// Age of the last change, `3h ago`.
    pub updated_friendly: String,
    /// Age of the ticket in calendar days, `2 days old`.
    pub created_days_old: String,
    /// Age of the agent's last answer, `N/A` when there is none.
    pub agent_responded_friendly: String,
    /// What the clock says, `Due in 3h`.
    pub sla_text: String,
    /// Its colour.
    pub sla_color: SlaColor,
    /// Its class in the shared stylesheet, e.g. `sla-critical`.
    pub sla_class: String,
    /// Hours booked in the PSA.
    pub total_hours_spent: f64,
}

#[derive(Deserialize)]
struct BoardOnTheWire {
    #[serde(default)]
    section1: Vec<TicketOnTheWire>,
    #[serde(default)]
    section2: Vec<TicketOnTheWire>,
    #[serde(default)]
    section3: Vec<TicketOnTheWire>,
    #[serde(default)]
    section4: Vec<TicketOnTheWire>,
    #[serde(default, with = "wire::optional_time")]
    last_sync_time: Option<DateTime<Utc>>,
    #[serde(default, with = "wire::optional_time")]
    last_updated: Option<DateTime<Utc>>,
}

impl From<BoardOnTheWire> for ActiveTickets {
    fn from(wire: BoardOnTheWire) -> Self {
        let plain =
            |tickets: Vec<TicketOnTheWire>| tickets.into_iter().map(|t| t.read(false)).collect::<Vec<_>>();
        let section1 = plain(wire.section1);
        let section2 = plain(wire.section2);
        let section3: Vec<_> = wire.section3.into_iter().map(|t| t.read(true)).collect();
        let section4 = plain(wire.section4);
        let total_active = section1.len() + section2.len() + section3.len() + section4.len();
        Self {
            section1,
            section2,
            section3,
            section4,
            last_sync_time: wire.last_sync_time,
            last_updated: wire.last_updated,
            total_active,
        }
    }
}

/// A ticket as ours or upstream's Codex writes it. Upstream: `id` is the PSA's, `status` and `priority` are words,
/// the `_str` times are ISO and there is no colour (beacon.md §7).
#[derive(Default, Deserialize)]
#[serde(default)]
struct TicketOnTheWire {
    #[serde(deserialize_with = "null_as_default")]
    id: IdOnTheWire,
    external_id: Option<PsaId>,
    ticket_number: Option<String>,
    subject: Option<String>,
    description: Option<String>,
    description_text: Option<String>,
    status: Value,
    status_id: Option<i64>,
    status_key: Option<String>,
    status_text: Option<String>,
    priority: Value,
    priority_raw: Option<i64>,
    priority_id: Option<i64>,
    priority_key: Option<String>,
    priority_text: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    ticket_type: Option<String>,
    company_id: Option<String>,
    company_name: Option<String>,
    company_compliance_level: Option<String>,
    requester_id: Option<PsaId>,
    requester_email: Option<String>,
    requester_name: Option<String>,
    responder_id: Option<PsaId>,
    agent_name: Option<String>,
    group_id: Option<PsaId>,
    tags: Option<Vec<String>>,
    source: Option<String>,
    #[serde(with = "wire::optional_time")]
    created_at: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    updated_at: Option<DateTime<Utc>>,
    created_at_str: Option<String>,
    updated_at_str: Option<String>,
    #[serde(with = "wire::optional_time")]
    fr_due_by_str: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    due_by_str: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    first_responded_at_iso: Option<DateTime<Utc>>,
    #[serde(with = "wire::optional_time")]
    agent_responded_at: Option<DateTime<Utc>>,
    updated_friendly: Option<String>,
    created_days_old: Option<String>,
    agent_responded_friendly: Option<String>,
    sla_text: Option<String>,
    sla_color: Option<SlaColor>,
    sla_class: Option<String>,
    total_hours_spent: Option<f64>,
}

#[derive(Default)]
struct IdOnTheWire(i64);

impl<'de> Deserialize<'de> for IdOnTheWire {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PsaId::deserialize(deserializer).map(|id| Self(id.0))
    }
}

fn null_as_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
    d: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

impl From<TicketOnTheWire> for Ticket {
    fn from(wire: TicketOnTheWire) -> Self {
        wire.read(false)
    }
}

impl TicketOnTheWire {
    fn read(self, in_section_3: bool) -> Ticket {
        let (created_at, created_at_str) = time_and_text(self.created_at, self.created_at_str);
        let (updated_at, updated_at_str) = time_and_text(self.updated_at, self.updated_at_str);
        let status = self.status.as_i64().or(self.status_id);
        let status_key = self
            .status_key
            .or_else(|| self.status.as_str().map(str::to_owned))
            .unwrap_or_else(|| "unknown".to_owned());
        let priority = self.priority.as_i64().or(self.priority_raw).or(self.priority_id);
        let priority_key = self
            .priority_key
            .or_else(|| self.priority.as_str().map(str::to_owned))
            .unwrap_or_else(|| priority_key_of(priority).to_owned());
        let sla_class = self.sla_class.unwrap_or_else(|| "sla-none".to_owned());
        Ticket {
            id: self.id.0,
            external_id: self.external_id.unwrap_or(PsaId(self.id.0)),
            ticket_number: self.ticket_number,
            subject: self.subject.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            description_text: self.description_text.unwrap_or_default(),
            status,
            status_id: status,
            status_text: self.status_text.unwrap_or_else(|| wire::status_text(&status_key)),
            status_key,
            priority,
            priority_raw: priority,
            priority_id: priority,
            priority_text: self.priority_text.unwrap_or_else(|| wire::priority_text(&priority_key)),
            priority_key,
            kind: self.kind.clone().or_else(|| self.ticket_type.clone()),
            ticket_type: self.ticket_type.or(self.kind),
            company_id: self.company_id,
            company_name: self.company_name,
            company_compliance_level: self.company_compliance_level,
            requester_id: self.requester_id,
            requester_email: self.requester_email,
            requester_name: self.requester_name.unwrap_or_else(|| "N/A".to_owned()),
            responder_id: self.responder_id,
            agent_name: self.agent_name.unwrap_or_else(|| "Unassigned".to_owned()),
            group_id: self.group_id,
            tags: self.tags.unwrap_or_default(),
            source: self.source,
            created_at,
            updated_at,
            created_at_str,
            updated_at_str,
            fr_due_by: self.fr_due_by_str,
            due_by: self.due_by_str,
            first_responded_at: self.first_responded_at_iso,
            agent_responded_at: self.agent_responded_at,
            updated_friendly: self.updated_friendly.unwrap_or_else(|| "N/A".to_owned()),
            created_days_old: self.created_days_old.unwrap_or_else(|| "N/A".to_owned()),
            agent_responded_friendly: self.agent_responded_friendly.unwrap_or_else(|| "N/A".to_owned()),
            sla_text: self.sla_text.unwrap_or_default(),
            sla_color: self.sla_color.unwrap_or_else(|| color_of(&sla_class, in_section_3)),
            sla_class,
            total_hours_spent: self.total_hours_spent.unwrap_or_default(),
        }
    }
}

/// Upstream puts ISO text into the display member and has no other: take the time from it and write our display form.
fn time_and_text(time: Option<DateTime<Utc>>, text: Option<String>) -> (Option<DateTime<Utc>>, String) {
    let text = text.unwrap_or_default();
    match (time, wire::parse_time(&text)) {
        (time, Some(parsed)) => (time.or(Some(parsed)), crate::pages::format::short_datetime(parsed)),
        (Some(time), None) if text.is_empty() => (Some(time), crate::pages::format::short_datetime(time)),
        (time, None) => (time, text),
    }
}

const fn priority_key_of(priority: Option<i64>) -> &'static str {
    match priority {
        Some(1) => "low",
        Some(2) => "medium",
        Some(3) => "high",
        Some(4) => "urgent",
        _ => "unknown",
    }
}

/// beacon.md §7: the colour of an answer that has only a class.
fn color_of(class: &str, in_section_3: bool) -> SlaColor {
    match class {
        "sla-overdue" => SlaColor::Red,
        "sla-critical" if in_section_3 => SlaColor::Red,
        "sla-critical" => SlaColor::Orange,
        "sla-warning" => SlaColor::Yellow,
        _ => SlaColor::Green,
    }
}
