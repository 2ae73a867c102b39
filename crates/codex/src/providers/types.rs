//! The normalised rows every provider delivers, whatever the vendor's wire looks like (codex-api.md §6.1 to §6.4).
//!
//! They are serialised only to be handed to PostgreSQL as one batch, so the member names are column names.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A customer company (Freshservice: department).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PsaCompany {
    /// Vendor id.
    pub external_id: i64,
    /// Account number from the vendor's custom field of that name; `None` while it has none.
    pub account_number: Option<String>,
    /// Display name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Mail and web domains.
    pub domains: Option<Vec<String>>,
    /// Vendor id of the head contact.
    pub head_user_id: Option<i64>,
    /// Name of the head contact.
    pub head_name: Option<String>,
    /// Vendor id of the prime contact.
    pub prime_user_id: Option<i64>,
    /// Name of the prime contact.
    pub prime_user_name: Option<String>,
    /// Workspace of the vendor.
    pub workspace_id: Option<i64>,
    /// Created at the vendor.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed at the vendor.
    pub updated_at: Option<DateTime<Utc>>,
    /// Chosen plan.
    pub plan_selected: Option<String>,
    /// Contract custom field.
    pub managed_users: Option<String>,
    /// Contract custom field.
    pub managed_devices: Option<String>,
    /// Contract custom field.
    pub managed_network: Option<String>,
    /// Term as written at the vendor.
    pub contract_term: Option<String>,
    /// Start of the contract, as written at the vendor.
    pub contract_start_date: Option<String>,
    /// Start of the business relation.
    pub company_start_date: Option<String>,
    /// Tax status.
    pub profit_or_non_profit: Option<String>,
    /// Main telephone number.
    pub company_main_number: Option<String>,
    /// Telephone system in use.
    pub phone_system: Option<String>,
    /// Mail system in use.
    pub email_system: Option<String>,
}

/// A person at a customer (Freshservice: requester).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PsaContact {
    /// Vendor id.
    pub external_id: i64,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Primary address; contacts without one are not stored.
    pub email: Option<String>,
    /// Further addresses.
    pub secondary_emails: Vec<String>,
    /// Position.
    pub job_title: Option<String>,
    /// Whether the vendor lists the person as active.
    pub active: bool,
    /// Whether the person is an agent as well.
    pub is_agent: bool,
    /// VIP mark.
    pub vip_user: bool,
    /// Whether the person has used the vendor's portal.
    pub has_logged_in: bool,
    /// Portal right.
    pub can_see_all_tickets_from_associated_departments: bool,
    /// Portal right.
    pub can_see_all_changes_from_associated_departments: bool,
    /// Mobile number.
    pub mobile_phone_number: Option<String>,
    /// Desk number.
    pub work_phone_number: Option<String>,
    /// Custom field `user_number`.
    pub user_number: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Free text.
    pub background_information: Option<String>,
    /// Names of the departments, comma separated.
    pub department_names: Option<String>,
    /// Vendor ids of the companies the person belongs to.
    pub department_ids: Vec<i64>,
    /// Vendor id of the manager.
    pub reporting_manager_id: Option<i64>,
    /// Vendor id of the location.
    pub location_id: Option<i64>,
    /// Name of the location.
    pub location_name: Option<String>,
    /// Vendor id of the working hours.
    pub work_schedule_id: Option<i64>,
    /// Language code.
    pub language: Option<String>,
    /// Zone name as the vendor writes it.
    pub time_zone: Option<String>,
    /// `12h` or `24h`.
    pub time_format: Option<String>,
    /// Created at the vendor.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed at the vendor.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A technician of the vendor system.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PsaAgent {
    /// Vendor id.
    pub external_id: i64,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Position.
    pub job_title: Option<String>,
    /// Whether the agent works there now.
    pub active: bool,
    /// Vendor ids of the agent's groups.
    pub group_ids: Vec<i64>,
    /// Vendor ids of the agent's departments.
    pub department_ids: Vec<i64>,
    /// Created at the vendor.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed at the vendor.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A group of agents.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PsaGroup {
    /// Vendor id.
    pub external_id: i64,
    /// Display name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Vendor ids of the members.
    pub agent_ids: Vec<i64>,
    /// Created at the vendor.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed at the vendor.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A ticket as a list delivers it; conversations and hours come with the detail phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PsaTicket {
    /// Vendor id.
    pub external_id: i64,
    /// Number people use; Freshservice: the id.
    pub ticket_number: String,
    /// Subject line.
    pub subject: Option<String>,
    /// Sanitised HTML.
    pub description: Option<String>,
    /// Plain text.
    pub description_text: Option<String>,
    /// Status key (§6.2), `unknown` for a code without one.
    pub status: Option<String>,
    /// The vendor's code.
    pub status_id: Option<i32>,
    /// Priority key.
    pub priority: Option<String>,
    /// The vendor's code.
    pub priority_id: Option<i32>,
    /// `Incident`, `Service Request`.
    pub ticket_type: String,
    /// Vendor id of the requester.
    pub requester_id: Option<i64>,
    /// Address of the requester, where the vendor embeds it.
    pub requester_email: Option<String>,
    /// Name of the requester, where the vendor embeds it.
    pub requester_name: Option<String>,
    /// Vendor id of the assigned agent.
    pub responder_id: Option<i64>,
    /// Vendor id of the assigned group.
    pub group_id: Option<i64>,
    /// Vendor id of the company.
    pub department_id: Option<i64>,
    /// Created at the vendor.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed at the vendor.
    pub updated_at: Option<DateTime<Utc>>,
    /// When it was closed, where the vendor tells; only for closed tickets. See [`Self::closing`].
    pub closed_at: Option<DateTime<Utc>>,
    /// First response due.
    pub fr_due_by: Option<DateTime<Utc>>,
    /// Resolution due.
    pub due_by: Option<DateTime<Utc>>,
    /// Whether the row carried response times at all; without them the stored ones stay.
    pub has_stats: bool,
    /// First answer of an agent.
    pub first_responded_at: Option<DateTime<Utc>>,
    /// Latest answer of an agent.
    pub agent_responded_at: Option<DateTime<Utc>>,
    /// Labels; `None` when the row did not carry any, then the stored ones stay.
    pub tags: Option<Vec<String>>,
    /// The vendor's own mark for spam. Status codes never mean that (§6.2).
    pub spam: bool,
    /// The vendor's own mark for deleted.
    pub deleted: bool,
    /// The vendor keeps the description elsewhere, so that this row says nothing about it; the stored one stays.
    pub description_apart: bool,
}

impl PsaTicket {
    /// When it was closed as far as this row alone can say: a closed ticket without a time of closing was closed by its last
    /// change (codex-api.md §6.3).
    pub fn closing(&self) -> Option<DateTime<Utc>> {
        self.closed_at.or(self.updated_at.filter(|_| self.status.as_deref() == Some("closed")))
    }
}

/// What a requester wrote first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// Sanitised HTML.
    pub html: String,
    /// Plain text.
    pub text: String,
}

/// One message of a ticket (§6.4).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Vendor id.
    pub id: i64,
    /// Plain text.
    pub body: String,
    /// Sanitised HTML.
    pub body_html: String,
    /// Sender.
    pub from_email: Option<String>,
    /// Receivers.
    pub to_emails: Vec<String>,
    /// Written at.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed at.
    pub updated_at: Option<DateTime<Utc>>,
    /// From the customer.
    pub incoming: bool,
    /// Seen by agents only; such entries are the ticket's notes.
    pub private: bool,
    /// Vendor id of the author.
    pub user_id: Option<i64>,
    /// Mailbox it went through.
    pub support_email: Option<String>,
}

/// One booking of working time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PsaTimeEntry {
    /// Vendor id.
    pub external_id: i64,
    /// Vendor id of the agent.
    pub agent_id: Option<i64>,
    /// Decimal hours.
    pub hours: Decimal,
    /// Whether the customer pays for it.
    pub billable: Option<bool>,
    /// When the work was done.
    pub executed_at: Option<DateTime<Utc>>,
    /// Created at the vendor.
    pub created_at: Option<DateTime<Utc>>,
    /// Changed at the vendor.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What the detail phase reads for one ticket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketDetail {
    /// The description, where the vendor keeps it among the messages; `None` leaves the stored one.
    pub description: Option<Description>,
    /// All messages, oldest first, private ones included.
    pub conversations: Vec<Conversation>,
    /// The bookings that could be read.
    pub time_entries: Vec<PsaTimeEntry>,
    /// The bookings that are there and could not be read, by vendor id; `None` for one without a readable id. What is stored
    /// of them stays.
    pub unread_entries: Vec<Option<i64>>,
    /// Rows that were patched or left out, in words.
    pub warnings: Vec<String>,
}

/// What is to change on a ticket at the vendor; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketChange {
    /// Status key (§6.2).
    pub status: Option<String>,
    /// Vendor id of the agent it is assigned to.
    pub responder_id: Option<i64>,
}

/// One page of a vendor list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Readable rows.
    pub items: Vec<T>,
    /// Rows that were patched or left out, in words.
    pub warnings: Vec<String>,
    /// The next page, when there is one.
    pub next: Option<PageRef>,
    /// The vendor's time when it answered, where it tells: its clock may differ from ours.
    pub answered_at: Option<DateTime<Utc>>,
}

impl<T> Page<T> {
    /// A page without rows, behind which nothing comes.
    pub const EMPTY: Self = Self { items: Vec::new(), warnings: Vec::new(), next: None, answered_at: None };
}

/// Which page of a list to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRef {
    /// Number of the page, counted from 1.
    pub number: u32,
    /// Whether the page before announced this one, so that finding nothing there means that something went wrong.
    pub promised: bool,
    /// How many rows the list had in all when the page before was read, where the vendor tells. It belongs to the one who
    /// reads the list: several may read it at the same time.
    #[serde(default)]
    pub rows: Option<i64>,
}

impl PageRef {
    /// Where every list begins.
    pub const FIRST: Self = Self::number(1);

    /// A page that nobody has announced.
    pub const fn number(number: u32) -> Self {
        Self { number, promised: false, rows: None }
    }

    /// A page that the one before has announced.
    pub const fn promised(number: u32) -> Self {
        Self { promised: true, ..Self::number(number) }
    }
}
