//! Companies and what belongs to them (codex-api.md §4.2).

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::wire::{self, PsaId};

/// A company.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default)]
pub struct Company {
    /// Same as `account_number`.
    pub id: String,
    /// The number that identifies the company everywhere.
    pub account_number: String,
    /// Name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// `standard`, `cjis` or `hipaa`.
    pub compliance_level: Option<String>,
    /// The plan in force: the edited one, else the PSA's.
    pub billing_plan: Option<String>,
    /// `Month to Month`, `1 Year`, `2 Year` or `3 Year`.
    pub contract_term_length: Option<String>,
    /// As the PSA has it.
    pub contract_start_date: Option<String>,
    /// Computed from start and term.
    pub contract_end_date: Option<String>,
    /// From the plan, e.g. `All Inclusive`.
    pub support_level: Option<String>,
    /// As the PSA has it.
    pub profit_or_non_profit: Option<String>,
    /// Telephone number.
    pub company_main_number: Option<String>,
    /// Customer since.
    pub company_start_date: Option<String>,
    /// Mail domains: a JSON array of strings, as text.
    pub domains: Option<String>,
    /// As the PSA has it.
    pub phone_system: Option<String>,
    /// As the PSA has it.
    pub email_system: Option<String>,
}

/// A device.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default)]
pub struct Asset {
    /// Codex's id.
    pub id: i64,
    /// Host name.
    pub hostname: String,
    /// Category in the RMM.
    pub hardware_type: Option<String>,
    /// Operating system.
    pub operating_system: Option<String>,
    /// Type set by hand in the RMM; wins over `hardware_type` for billing.
    pub device_type: Option<String>,
    /// User seen last.
    pub last_logged_in_user: Option<String>,
    /// Antivirus product.
    pub antivirus_product: Option<String>,
    /// Public address.
    pub ext_ip_address: Option<String>,
    /// Private address.
    pub int_ip_address: Option<String>,
    /// Windows domain.
    pub domain: Option<String>,
    /// Whether the device is reachable now.
    pub online: Option<bool>,
    /// Last contact.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen: Option<DateTime<Utc>>,
    /// Backed-up volume in TiB, decimal text.
    pub backup_usage_tb: Option<String>,
    /// The same in bytes, 0 when unknown.
    pub backup_data_bytes: i64,
}

/// A person at a company.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default)]
pub struct Contact {
    /// Codex's id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Job title.
    pub title: Option<String>,
    /// `Full Time` unless changed by hand.
    pub employment_type: Option<String>,
    /// Whether the person still works there.
    pub active: bool,
    /// Mobile telephone.
    pub mobile_phone_number: Option<String>,
    /// Office telephone.
    pub work_phone_number: Option<String>,
    /// Further addresses: a JSON array of strings, as text.
    pub secondary_emails: Option<String>,
}

/// An additional address of a company.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default)]
pub struct Location {
    /// Codex's id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Postal address.
    pub address: Option<String>,
    /// Telephone number.
    pub phone_number: Option<String>,
}

/// A ticket as bills and reports read it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct CompanyTicket {
    /// Codex's id.
    pub ticket_id: i64,
    /// The PSA's id.
    pub external_id: Option<PsaId>,
    /// The PSA's number as text.
    pub ticket_number: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// HTML as the PSA has it; left out with `fields=billing`.
    #[serde(skip_serializing_if = "Detail::is_left_out")]
    #[schema(value_type = Option<String>)]
    pub description: Detail<String>,
    /// Plain text; left out with `fields=billing`.
    #[serde(skip_serializing_if = "Detail::is_left_out")]
    #[schema(value_type = Option<String>)]
    pub description_text: Detail<String>,
    /// Normalised status.
    pub status: Option<String>,
    /// Normalised priority.
    pub priority: Option<String>,
    /// The company's level: `standard`, `cjis` or `hipaa`.
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
    /// Sum of all hours booked.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub total_hours_spent: Decimal,
    /// Public messages (codex-api.md §6.4); left out with `fields=billing`.
    #[serde(skip_serializing_if = "Detail::is_left_out")]
    #[schema(value_type = Vec<Object>)]
    pub conversations: Detail<Box<RawValue>>,
    /// Private messages; left out with `fields=billing`.
    #[serde(skip_serializing_if = "Detail::is_left_out")]
    #[schema(value_type = Vec<Object>)]
    pub notes: Detail<Box<RawValue>>,
    /// The hours one by one; empty when the provider has none.
    pub time_entries: Vec<TimeEntry>,
}

/// A member of [`CompanyTicket`] that `fields=billing` leaves out.
#[derive(Clone, Debug, Default)]
pub enum Detail<T> {
    /// Not asked for: the member is absent.
    #[default]
    LeftOut,
    /// There is none: `null`.
    Empty,
    /// The value.
    Value(T),
}

impl<T> Detail<T> {
    /// Whether the member is absent.
    pub const fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut)
    }

    /// `Empty` for none.
    pub fn from_option(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Self::Value)
    }

    /// The value, if there is one.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::LeftOut | Self::Empty => None,
        }
    }
}

impl<T: Serialize> Serialize for Detail<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Detail<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(Self::from_option)
    }
}

/// Hours booked on a ticket.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default)]
pub struct TimeEntry {
    /// Codex's id, stable.
    pub id: i64,
    /// Decimal hours.
    #[serde(with = "rust_decimal::serde::float")]
    #[schema(value_type = f64)]
    pub hours: Decimal,
    /// Whether the hours are billed; `null` when the provider does not say.
    pub billable: Option<bool>,
    /// When the work was done.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub executed_at: Option<DateTime<Utc>>,
    /// The PSA's id of the agent.
    pub agent_id: Option<PsaId>,
    /// When the entry was last changed.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<DateTime<Utc>>,
}

/// One element of `GET /api/companies/bulk`: a company with everything that a bill needs.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct BulkCompany {
    /// The company.
    pub company: Company,
    /// Its devices.
    pub assets: Vec<Asset>,
    /// Its people.
    pub contacts: Vec<Contact>,
    /// Same as `contacts`.
    pub users: Vec<Contact>,
    /// Its additional addresses.
    pub locations: Vec<Location>,
    /// Its tickets, only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tickets: Option<Vec<CompanyTicket>>,
}
