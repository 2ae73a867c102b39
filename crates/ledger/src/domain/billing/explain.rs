//! Why a bill is what it is: for each line the rule, quantity, rate, where the rate comes from, and what is behind it. The
//! amounts of the lines are the total.

use chrono::{DateTime, FixedOffset};
use serde::Serialize;

use super::{
    number::{Hours, Money},
    period::Period,
    rates::{RateSources, Source},
    terabytes::Terabytes,
};

/// The whole explanation.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation<'a> {
    /// All lines, in the order of the invoice, those of zero included.
    pub lines: Vec<Line<'a>>,
    /// Where each effective rate comes from.
    pub rate_sources: RateSources,
    /// How hours became billable hours.
    pub hours: HoursExplained<'a>,
    /// People with a price of their own; the quantities count them as free (rule 19).
    pub custom_users: u32,
}

/// What a line is for, in the words of the archive's `line_type`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// A person.
    User,
    /// A device.
    Asset,
    /// A part of the backup charge.
    Backup,
    /// Hours.
    Ticket,
    /// A line item.
    Custom,
}

impl LineKind {
    /// As the archive's `line_type` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Asset => "asset",
            Self::Backup => "backup",
            Self::Ticket => "ticket",
            Self::Custom => "custom",
        }
    }
}

/// Who says of which type a device or person is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeSource {
    /// A row for this one (rules 17 and 44).
    Override,
    /// A foreign Codex (rule 45).
    Codex,
    /// The mapping of its kind (rule 45).
    Mapping,
    /// Nobody: its kind is not mapped (rule 45).
    Unmapped,
    /// The row entered by hand (rules 13 and 17).
    ManualRow,
    /// Nobody, and nobody has to (rule 17; rule 11 in the original reading).
    Default,
}

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Quantity {
    /// Pieces.
    Count(u32),
    /// Hours.
    Hours(Hours),
    /// TB.
    Volume(Terabytes),
}

/// One line of a bill.
#[derive(Clone, Debug, Serialize)]
pub struct Line<'a> {
    /// What for.
    pub kind: LineKind,
    /// Number of the rule that sets the amount.
    pub rule: u8,
    /// Of whom or what.
    pub name: &'a str,
    /// Billing type.
    #[serde(rename = "type")]
    pub billing_type: &'a str,
    /// Who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_source: Option<TypeSource>,
    /// How much.
    pub quantity: Quantity,
    /// For each.
    pub rate: Money,
    /// Name of the rate, where it is one of the eleven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_name: Option<&'static str>,
    /// Who says so.
    pub rate_source: Source,
    /// Quantity times rate, rounded once (rule 41).
    pub amount: Money,
    /// What is behind it.
    pub behind: Behind<'a>,
}

/// What is behind a line.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Behind<'a> {
    /// A device of Codex.
    Asset {
        /// Codex's id.
        asset_id: Option<i64>,
        /// Its kind.
        device_type: Option<&'a str>,
    },
    /// A device entered by hand.
    ManualAsset {
        /// Ledger's id.
        manual_asset_id: Option<i64>,
    },
    /// A contact of Codex.
    User {
        /// Codex's id.
        user_id: Option<i64>,
    },
    /// A person entered by hand.
    ManualUser {
        /// Ledger's id.
        manual_user_id: Option<i64>,
    },
    /// Devices that are backed up.
    Devices {
        /// Codex's ids.
        asset_ids: Vec<Option<i64>>,
    },
    /// Hours of tickets, listed in [`HoursExplained::booked`].
    Tickets {
        /// Numbers, each once.
        tickets: Vec<&'a str>,
    },
    /// A line item.
    Item {
        /// Ledger's id.
        line_item_id: Option<i64>,
    },
}

/// How hours became billable hours (rules 21 to 27, 47 and 48).
#[derive(Clone, Debug, Default, Serialize)]
pub struct HoursExplained<'a> {
    /// By the month of the work; more than one where hours came after their month was archived.
    pub months: Vec<WorkMonth>,
    /// One by one.
    pub booked: Vec<Booked<'a>>,
}

/// The hours of one month of work in this bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkMonth {
    /// When the work was done.
    pub month: Period,
    /// Hours in this bill.
    pub hours: Hours,
    /// Hours of that month in earlier bills, which used its allowance first.
    pub billed_before: Hours,
    /// Covered by the hours prepaid for that month.
    pub prepaid_monthly: Hours,
    /// Balance of that year's prepaid hours before them.
    pub yearly_balance: Hours,
    /// Covered by that balance.
    pub prepaid_yearly: Hours,
    /// Left to pay for.
    pub billable: Hours,
}

/// Hours booked on a ticket that this bill holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Booked<'a> {
    /// The ticket.
    pub ticket_number: &'a str,
    /// The entry; `None` where hours have no entry of their own.
    pub time_entry_id: Option<i64>,
    /// When the work was done, or the ticket last changed.
    pub at: Option<DateTime<FixedOffset>>,
    /// How many.
    pub hours: Hours,
    /// `false`: listed, not charged.
    pub billable: bool,
    /// Whether they came after their month was archived.
    pub late: bool,
}
