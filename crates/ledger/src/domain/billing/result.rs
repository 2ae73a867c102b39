//! A bill: everything that was computed, under the names of section 4.4.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{Map, Value};

use super::{
    explain::Explanation,
    inputs::{Asset, Company, Contact, LineItem, ManualAsset, ManualUser},
    number::{Hours, Money},
    period::Period,
    quantities::Quantities,
    rates::Rates,
    read::Kept,
    terabytes::Terabytes,
};

/// A bill. Its JSON has the members of section 4.4 and a few more; numbers are JSON numbers, or texts by [`super::texts`].
#[derive(Clone, Debug, Serialize)]
pub struct Bill<'a> {
    /// The month it is for.
    #[serde(skip)]
    pub period: Period,
    /// The company, with the plan and term it is billed by.
    pub client: Client<'a>,
    /// Devices as Codex sent them.
    pub assets: &'a [Kept<Asset>],
    /// Contacts as Codex sent them.
    pub users: &'a [Kept<Contact>],
    /// Devices entered by hand.
    pub manual_assets: &'a [ManualAsset],
    /// People entered by hand.
    pub manual_users: &'a [ManualUser],
    /// All line items, billed or not.
    pub custom_line_items: &'a [LineItem],
    /// Tickets with hours in this bill, and those of the month without.
    pub tickets_for_billing_period: Vec<BilledTicket<'a>>,
    /// What is charged.
    #[serde(rename = "receipt_data")]
    pub receipt: Receipt<'a>,
    /// The rates in force.
    pub effective_rates: Rates<'a>,
    /// What the plan includes.
    pub effective_features: IndexMap<&'a str, &'a str>,
    /// The same.
    pub plan_features: IndexMap<&'a str, &'a str>,
    /// How features are called.
    pub feature_display_names: IndexMap<&'a str, Option<&'a str>>,
    /// Which features were agreed on beside the plan.
    pub feature_override_status: IndexMap<&'a str, bool>,
    /// How many of what.
    pub quantities: Quantities<'a>,
    /// What the backup charge counts.
    pub backup_info: BackupInfo,
    /// Backed-up volume.
    pub total_backup_tb: Terabytes,
    /// Balance of the yearly prepaid hours at the start of the month (rule 25).
    pub remaining_yearly_hours: Hours,
    /// Hours of the clock's month; shown only (rule 28).
    pub hours_this_month: Hours,
    /// Hours of the month before the clock's; shown only (rule 28).
    pub hours_last_month: Hours,
    /// Support level.
    pub support_level_display: Option<&'a str>,
    /// End of the contract (rule 8).
    pub contract_end_date: Cow<'a, str>,
    /// Whether it has passed.
    pub contract_expired: bool,
    /// Devices of a kind that has no billing type (rule 45).
    pub unmapped_devices: Vec<UnmappedDevice<'a>>,
    /// Tickets and entries without a readable time, which no month can have (rule 46).
    pub skipped_tickets: Vec<&'a str>,
    /// The hours that this bill holds, to be remembered when it is archived (rule 48).
    pub billed_hours: Vec<HeldHours<'a>>,
    /// Why.
    pub explain: Explanation<'a>,
}

impl<'a> Bill<'a> {
    /// Name of the company; its number where it has none.
    pub fn company_name(&self) -> &'a str {
        let name = self.client.company.name.as_deref().filter(|name| !name.trim().is_empty());
        name.unwrap_or_else(|| self.account_number())
    }

    /// Number of the company.
    pub fn account_number(&self) -> &'a str {
        self.client.company.account_number.as_deref().unwrap_or_default()
    }
}

/// The company, as Codex sent it but for plan and term (rules 2 and 3).
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    pub(super) company: &'a Kept<Company>,
    /// The plan it is billed by.
    pub billing_plan: &'a str,
    /// The term it is billed by.
    pub contract_term_length: &'a str,
}

impl Serialize for Client<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members: Map<String, Value> =
            serde_json::from_str(self.company.json().get()).map_err(S::Error::custom)?;
        members.insert("billing_plan".to_owned(), self.billing_plan.into());
        members.insert("contract_term_length".to_owned(), self.contract_term_length.into());
        members.serialize(serializer)
    }
}

/// What is charged.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt<'a> {
    /// Devices, those that cost nothing included.
    pub billed_assets: Vec<BilledLine<'a>>,
    /// People, likewise.
    pub billed_users: Vec<BilledLine<'a>>,
    /// Line items of this month.
    pub billed_line_items: Vec<BilledLine<'a>>,
    /// Sum of the people.
    pub total_user_charges: Money,
    /// Sum of the devices.
    pub total_asset_charges: Money,
    /// Sum of the line items.
    pub total_line_item_charges: Money,
    /// Billable hours at their rate.
    pub ticket_charge: Money,
    /// Base fees and overage.
    pub backup_charge: Money,
    /// Everything (rule 39).
    pub total: Money,
    /// Hours in this bill.
    pub hours_for_billing_period: Hours,
    /// Hours prepaid for each month.
    pub prepaid_hours_monthly: Hours,
    /// Hours prepaid for each year.
    pub prepaid_hours_yearly: Hours,
    /// Hours not prepaid.
    pub billable_hours: Hours,
    /// Base fees of workstations.
    pub backup_base_workstation: Money,
    /// Base fees of servers.
    pub backup_base_server: Money,
    /// Pooled allowance.
    pub total_included_tb: Terabytes,
    /// Volume beyond it.
    pub overage_tb: Terabytes,
    /// What that costs.
    pub overage_charge: Money,
}

/// A line of the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BilledLine<'a> {
    /// Of whom or what.
    pub name: &'a str,
    /// Billing type, or kind of line item.
    #[serde(rename = "type")]
    pub billing_type: &'a str,
    /// Charge.
    pub cost: Money,
}

/// A ticket in a bill.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BilledTicket<'a> {
    /// Number.
    pub ticket_number: Option<&'a str>,
    /// Subject line.
    pub subject: Option<&'a str>,
    /// Hours of it in this bill.
    pub total_hours_spent: Hours,
    /// Hours of the month that are listed and not charged.
    #[serde(skip_serializing_if = "is_none")]
    pub non_billable_hours: Hours,
}

fn is_none(hours: &Hours) -> bool {
    hours.is_zero()
}

/// What the backup charge counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct BackupInfo {
    /// Backed-up volume.
    pub total_backup_bytes: i128,
    /// Workstations among the backed-up devices.
    pub backed_up_workstations: u32,
    /// Servers and virtual machines among them.
    pub backed_up_servers: u32,
}

/// A device of a kind that has no billing type.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct UnmappedDevice<'a> {
    /// Codex's id.
    pub asset_id: Option<i64>,
    /// Name.
    pub hostname: &'a str,
    /// Kind; nothing where Codex knows none.
    pub device_type: Option<&'a str>,
}

/// Hours that a bill holds: a row of `billed_hours`, once the bill is archived.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldHours<'a> {
    /// The ticket.
    pub ticket_number: &'a str,
    /// The entry; `None` for hours without one.
    pub time_entry_id: Option<i64>,
    /// How many.
    pub hours: Hours,
}
