//! What a bill is made of (section 4.1): what Codex says of a company, and the rows of Ledger's tables.

mod codex;
mod rows;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, FixedOffset};

pub use codex::{Asset, Company, Contact, Ticket, TimeEntry};
pub use rows::{
    BilledHours, ClientOverride, FeatureOverride, LineItem, ManualAsset, ManualUser, TypeOverride,
    TypeOverrides,
};

use super::{device_types::DeviceTypes, period::Period, plan::Plan, read::Kept, readings::Readings};

/// Everything a bill depends on. Plans, mappings and the overrides of assets and users may be those of all companies.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The month.
    pub period: Period,
    /// The clock, in the zone in which the operator counts days.
    pub now: DateTime<FixedOffset>,
    /// The company.
    pub company: &'a Kept<Company>,
    /// Its devices, in Codex's order.
    pub assets: &'a [Kept<Asset>],
    /// Its contacts, in Codex's order.
    pub contacts: &'a [Kept<Contact>],
    /// Its tickets: those of the billing year, and of an earlier year from which late hours are billed.
    pub tickets: &'a [Ticket],
    /// The plans Codex knows.
    pub plans: &'a [Plan],
    /// Whether the bill lists what the plan includes (rule 9).
    pub with_features: bool,
    /// Own conditions of the company.
    pub client_override: Option<&'a ClientOverride>,
    /// Types of single devices, by Codex's id.
    pub asset_overrides: &'a TypeOverrides,
    /// Types of single contacts, by Codex's id.
    pub user_overrides: &'a TypeOverrides,
    /// Devices that Codex does not know, by id.
    pub manual_assets: &'a [ManualAsset],
    /// People whom Codex does not know, by id.
    pub manual_users: &'a [ManualUser],
    /// What is billed besides, by id.
    pub line_items: &'a [LineItem],
    /// Features agreed on beside the plan.
    pub feature_overrides: &'a [FeatureOverride],
    /// What kinds of devices are billed as (rule 45).
    pub device_types: &'a DeviceTypes,
    /// Months of the company that are archived.
    pub archived: &'a BTreeSet<Period>,
    /// Hours that archived bills of the company hold.
    pub billed_hours: &'a [BilledHours],
    /// Whose archived bill holds an entry, by its id: a ticket may have moved from one company to another.
    pub entry_holders: &'a HashMap<i64, String>,
    /// The operator's choices.
    pub readings: Readings,
}
