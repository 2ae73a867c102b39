//! What Codex answers, ours or upstream's (codex-api.md §4.2, §6.4). Only what the sync reads.

use rust_decimal::Decimal;
use serde::Deserialize;

pub use super::lenient::Moment;
use super::lenient::{decimal, list, moment, optional_list, text, truth};

/// One element of `GET /api/companies/bulk`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Bulk {
    /// The company.
    pub company: Company,
    /// Its devices.
    #[serde(deserialize_with = "list")]
    pub assets: Vec<Asset>,
    /// Its people.
    #[serde(deserialize_with = "list")]
    pub contacts: Vec<Contact>,
    /// Its tickets; none when they were not asked for.
    #[serde(deserialize_with = "optional_list")]
    pub tickets: Option<Vec<Ticket>>,
}

/// A company.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Company {
    /// Upstream's list has none.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    /// The number that identifies the company everywhere.
    #[serde(deserialize_with = "text")]
    pub account_number: Option<String>,
    /// Name.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
}

impl Company {
    /// What the company is known by: its id, else its account number; none for one that cannot be synced.
    pub fn key(&self) -> Option<&str> {
        self.id.as_deref().or(self.account_number.as_deref())
    }

    /// Its name, else its number.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().or(self.account_number.as_deref()).unwrap_or("Unnamed")
    }
}

/// A person at a company.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Codex's id.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    /// Name.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(deserialize_with = "text")]
    pub email: Option<String>,
    /// Job title.
    #[serde(deserialize_with = "text")]
    pub title: Option<String>,
    /// Mobile telephone.
    #[serde(deserialize_with = "text")]
    pub mobile_phone_number: Option<String>,
    /// Office telephone.
    #[serde(deserialize_with = "text")]
    pub work_phone_number: Option<String>,
    /// Whether the person still works there.
    #[serde(deserialize_with = "truth")]
    pub active: Option<bool>,
    /// Further addresses.
    #[serde(deserialize_with = "list")]
    pub secondary_emails: Vec<String>,
}

impl Contact {
    /// What the person is known by: the id, else the address, else the name; none when there is nothing to sync.
    pub fn key(&self) -> Option<&str> {
        self.id.as_deref().or(self.email.as_deref()).or(self.name.as_deref())
    }

    /// The name, else the address.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().or(self.email.as_deref()).unwrap_or("Unnamed")
    }

    /// Whether that is one of the person's addresses, in any case.
    pub fn has_address(&self, address: &str) -> bool {
        let own = self.email.iter().chain(&self.secondary_emails);
        own.into_iter().any(|own| own.trim().eq_ignore_ascii_case(address.trim()))
    }
}

/// A device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asset {
    /// Codex's id.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    /// Host name.
    #[serde(deserialize_with = "text")]
    pub hostname: Option<String>,
    /// Operating system.
    #[serde(deserialize_with = "text")]
    pub operating_system: Option<String>,
    /// Category.
    #[serde(deserialize_with = "text")]
    pub hardware_type: Option<String>,
    /// Private address.
    #[serde(deserialize_with = "text")]
    pub int_ip_address: Option<String>,
    /// Public address.
    #[serde(deserialize_with = "text")]
    pub ext_ip_address: Option<String>,
    /// User seen last.
    #[serde(deserialize_with = "text")]
    pub last_logged_in_user: Option<String>,
    /// Whether the device is reachable.
    #[serde(deserialize_with = "truth")]
    pub online: Option<bool>,
    /// Last contact.
    #[serde(deserialize_with = "moment")]
    pub last_seen: Option<Moment>,
    /// Windows domain.
    #[serde(deserialize_with = "text")]
    pub domain: Option<String>,
}

impl Asset {
    /// What the device is known by: the id, else the host name.
    pub fn key(&self) -> Option<&str> {
        self.id.as_deref().or(self.hostname.as_deref())
    }
}

/// A ticket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ticket {
    /// Codex's id.
    #[serde(deserialize_with = "text")]
    pub ticket_id: Option<String>,
    /// The PSA's number.
    #[serde(deserialize_with = "text")]
    pub ticket_number: Option<String>,
    /// Subject line.
    #[serde(deserialize_with = "text")]
    pub subject: Option<String>,
    /// Plain text.
    #[serde(deserialize_with = "text")]
    pub description_text: Option<String>,
    /// HTML; read where there is no plain text.
    #[serde(deserialize_with = "text")]
    pub description: Option<String>,
    /// Normalised status.
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    /// Normalised priority.
    #[serde(deserialize_with = "text")]
    pub priority: Option<String>,
    /// Name of the requester.
    #[serde(deserialize_with = "text")]
    pub requester_name: Option<String>,
    /// E-mail address of the requester.
    #[serde(deserialize_with = "text")]
    pub requester_email: Option<String>,
    /// When the ticket was opened.
    #[serde(deserialize_with = "moment")]
    pub created_at: Option<Moment>,
    /// When it was last changed.
    #[serde(deserialize_with = "moment")]
    pub last_updated_at: Option<Moment>,
    /// When it was closed.
    #[serde(deserialize_with = "moment")]
    pub closed_at: Option<Moment>,
    /// Sum of all hours booked.
    #[serde(deserialize_with = "decimal")]
    pub total_hours_spent: Option<Decimal>,
    /// Public messages.
    #[serde(deserialize_with = "list")]
    pub conversations: Vec<Message>,
    /// Private messages.
    #[serde(deserialize_with = "list")]
    pub notes: Vec<Message>,
}

impl Ticket {
    /// `ticket_id`, else `ticket_number`: what the ticket is known by and its article is named after.
    pub fn key(&self) -> Option<&str> {
        self.ticket_id.as_deref().or(self.ticket_number.as_deref())
    }

    /// `ticket_number`, else the id: the number of the `Ticket` node.
    pub fn number(&self) -> Option<&str> {
        self.ticket_number.as_deref().or(self.ticket_id.as_deref())
    }
}

/// A message of a ticket.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Text, or HTML with some vendors.
    #[serde(deserialize_with = "text")]
    pub body: Option<String>,
    /// Plain text; upstream's notes have this only.
    #[serde(deserialize_with = "text")]
    pub body_text: Option<String>,
    /// HTML.
    #[serde(deserialize_with = "text")]
    pub body_html: Option<String>,
    /// Sender.
    #[serde(deserialize_with = "text")]
    pub from_email: Option<String>,
    /// When it was written.
    #[serde(deserialize_with = "moment")]
    pub created_at: Option<Moment>,
    /// Whether it came from the customer.
    #[serde(deserialize_with = "truth")]
    pub incoming: Option<bool>,
}
