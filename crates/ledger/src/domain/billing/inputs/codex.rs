//! What Codex says, as far as a bill reads it.

use chrono::{DateTime, FixedOffset};
use serde::Deserialize;

use super::super::{number::Hours, read};

/// A company.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Company {
    /// The number that identifies it; without one there is no bill (rule 1).
    #[serde(deserialize_with = "read::text")]
    pub account_number: Option<String>,
    /// Name.
    #[serde(deserialize_with = "read::text")]
    pub name: Option<String>,
    /// Plan (rule 3).
    #[serde(deserialize_with = "read::text")]
    pub billing_plan: Option<String>,
    /// Term (rule 2).
    #[serde(deserialize_with = "read::text")]
    pub contract_term_length: Option<String>,
    /// First day of the contract.
    #[serde(deserialize_with = "read::text")]
    pub contract_start_date: Option<String>,
    /// Last day of the contract.
    #[serde(deserialize_with = "read::text")]
    pub contract_end_date: Option<String>,
}

/// A device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asset {
    /// Codex's id.
    #[serde(deserialize_with = "read::whole")]
    pub id: Option<i64>,
    /// Name.
    #[serde(deserialize_with = "read::text")]
    pub hostname: Option<String>,
    /// Kind, set by hand in the RMM.
    #[serde(deserialize_with = "read::text")]
    pub device_type: Option<String>,
    /// Kind, as the RMM sees it.
    #[serde(deserialize_with = "read::text")]
    pub hardware_type: Option<String>,
    /// Backed-up volume.
    #[serde(deserialize_with = "read::bytes")]
    pub backup_data_bytes: i64,
    /// Billing type, where a foreign Codex sends one; outer `None` where the member is missing (rule 11).
    #[serde(deserialize_with = "read::given_text")]
    pub billing_type: Option<Option<String>>,
    /// Its cost, likewise.
    #[serde(deserialize_with = "read::money")]
    pub custom_cost: Option<super::super::Money>,
}

/// A contact.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Codex's id.
    #[serde(deserialize_with = "read::whole")]
    pub id: Option<i64>,
    /// Name; wins over `name`.
    #[serde(deserialize_with = "read::text")]
    pub full_name: Option<String>,
    /// Name.
    #[serde(deserialize_with = "read::text")]
    pub name: Option<String>,
    /// Whether the person still works there; nobody is billed for `false` (rule 43).
    #[serde(deserialize_with = "read::maybe_flag")]
    pub active: Option<bool>,
    /// Whether the member is there (rule 17).
    #[serde(deserialize_with = "read::given_text")]
    pub email: Option<Option<String>>,
    /// Whether the member is there (rule 17).
    #[serde(deserialize_with = "read::given_text")]
    pub external_id: Option<Option<String>>,
    /// Own type of someone who has neither of them.
    #[serde(deserialize_with = "read::text")]
    pub billing_type: Option<String>,
    /// Own cost, likewise.
    #[serde(deserialize_with = "read::money")]
    pub custom_cost: Option<super::super::Money>,
}

/// A ticket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ticket {
    /// The PSA's number.
    #[serde(deserialize_with = "read::text")]
    pub ticket_number: Option<String>,
    /// Subject line.
    #[serde(deserialize_with = "read::text")]
    pub subject: Option<String>,
    /// When it was last changed; nothing for a time that cannot be read (rule 46).
    #[serde(deserialize_with = "read::stamp")]
    pub last_updated_at: Option<DateTime<FixedOffset>>,
    /// All hours booked on it.
    #[serde(deserialize_with = "read::hours")]
    pub total_hours_spent: Hours,
    /// The same one by one, where Codex knows them (rule 48).
    #[serde(deserialize_with = "read::list")]
    pub time_entries: Vec<TimeEntry>,
}

impl Ticket {
    /// The number, empty where there is none.
    pub(in super::super) fn number(&self) -> &str {
        self.ticket_number.as_deref().unwrap_or_default()
    }
}

/// Hours booked on a ticket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TimeEntry {
    /// Codex's id.
    #[serde(deserialize_with = "read::whole")]
    pub id: Option<i64>,
    /// Hours.
    #[serde(deserialize_with = "read::hours")]
    pub hours: Hours,
    /// Hours are charged unless this says no.
    #[serde(deserialize_with = "read::maybe_flag")]
    pub billable: Option<bool>,
    /// When the work was done.
    #[serde(deserialize_with = "read::stamp")]
    pub executed_at: Option<DateTime<FixedOffset>>,
}
