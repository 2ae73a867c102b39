//! The bills of all companies for a month in one line each, and the companies that have none.

use std::collections::HashSet;

use chrono::{DateTime, FixedOffset};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{BillError, Bills, Material};
use crate::{
    domain::{
        billing::{Bill, Hours, NoBill, Period, inputs::Ticket, number::json_number},
        charges::Charges,
    },
    store::{
        accounts::{self, Kept},
        revenue::{self, ArchivedBill, ArchivedTotal},
    },
};

/// What a month comes to.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Companies with a bill, in Codex's order.
    pub rows: Vec<Row>,
    /// Companies without one, with the reason.
    pub attention: Vec<Attention>,
}

/// The bill of a company in one line.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DashboardRow)]
pub struct Row {
    /// Account number.
    pub account_number: String,
    /// Name.
    pub name: String,
    /// Plan it is billed by.
    pub billing_plan: String,
    /// Term it is billed by.
    pub contract_term_length: String,
    /// Support level.
    pub support_level: Option<String>,
    /// `YYYY-MM-DD`, `Month to Month` or `N/A`.
    pub contract_end_date: String,
    /// Whether that has passed.
    pub contract_expired: bool,
    /// Total of the bill; of an archived month what was archived.
    #[serde(serialize_with = "number")]
    #[schema(value_type = f64)]
    pub total_bill: Decimal,
    /// Billed as such.
    pub workstations: u32,
    /// Billed as such.
    pub servers: u32,
    /// Billed as such.
    pub vms: u32,
    /// Billed as paid.
    pub users: u32,
    /// Backed-up volume in TB, two decimal places.
    #[serde(serialize_with = "number")]
    #[schema(value_type = f64)]
    pub backup: Decimal,
    /// Hours of all tickets in the calendar year, two decimal places.
    #[serde(serialize_with = "number")]
    #[schema(value_type = f64)]
    pub hours: Decimal,
    /// Whether the month is in the archive.
    pub is_archived: bool,
    /// Whether the bill can be final.
    pub complete: bool,
    /// Devices of a kind that has no billing type.
    pub unmapped_devices: usize,
    /// What the total is made of.
    #[serde(skip)]
    pub charges: Charges,
    /// Hours of the month against what is prepaid.
    #[serde(skip)]
    pub prepaid: Prepaid,
}

/// Hours of a month against what is prepaid.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Prepaid {
    /// Hours of the bill.
    pub worked: Decimal,
    /// Prepaid for the month, and what is left of the year at its start.
    pub allowance: Decimal,
    /// Left to pay for.
    pub billable: Decimal,
}

/// A company without a bill.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Attention {
    /// Account number.
    pub account_number: String,
    /// Name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Whether it is no company of Codex's: something is kept here under a number that none has.
    #[serde(skip)]
    pub is_stranger: bool,
}

fn number<S: serde::Serializer>(number: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    json_number(number.normalize().to_string(), serializer)
}

impl Bills {
    /// What a month comes to. Where it is archived, the archived total stands for it, since that is what was billed, also of
    /// companies that have no bill any more, or that Codex does not know any more. Companies whose plan is named `inactive`
    /// are left out otherwise.
    ///
    /// # Errors
    /// When a source does not answer, or breaks off.
    pub async fn overview(&self, period: Period) -> Result<Overview, BillError> {
        let mut each = self.each(None, period).await?;
        let mut found = Overview::default();
        let mut seen = HashSet::new();
        let (year, month) = (period.year(), period.month().cast_signed());
        let mut archived = revenue::totals_of(&self.pool, year, month).await?;
        while let Some(chunk) = each.next().await? {
            seen.extend(chunk.materials.iter().map(|material| material.account_number().to_owned()));
            seen.extend(chunk.bad.iter().map(|bad| bad.account_number.clone()));
            for material in chunk.materials.iter().filter(|material| !material.is_inactive()) {
                match material.bill() {
                    Ok(bill) => {
                        let mut row = Row::of(material, &bill);
                        let own = archived.remove(material.account_number());
                        let former = material.rows().archived_before.get(&period);
                        if let Some(total) = own.or_else(|| archived.remove(former?)) {
                            row.archive(&total);
                        }
                        found.rows.push(row);
                    }
                    Err(reason) => found.attention.push(Attention::of(material, &reason)),
                }
            }
            found.attention.extend(chunk.bad.into_iter().map(|bad| Attention {
                account_number: bad.account_number,
                name: bad.name,
                reason: bad.reason,
                is_stranger: false,
            }));
        }
        let left: Vec<String> = archived.keys().cloned().collect();
        if !left.is_empty() {
            let bills = revenue::bills_of(&self.pool, year, month, &left).await?;
            found.rows.extend(bills.into_iter().filter_map(|bill| {
                let total = archived.get(&bill.company_account_number)?;
                Some(Row::of_archived(bill, total))
            }));
        }
        // A Codex without companies was not filled yet.
        if !seen.is_empty() {
            let kept = accounts::kept(&self.pool, self.recently()).await?;
            let strangers = kept.into_iter().filter(|kept| !seen.contains(&kept.account_number));
            found.attention.extend(strangers.map(Attention::from));
        }
        Ok(found)
    }

    /// So long ago may a company have been billed that is missed when Codex does not have it any more.
    fn recently(&self) -> Option<Period> {
        (0..3).fold(self.current_period(), |at, _| at.and_then(Period::previous))
    }

    /// What is kept under account numbers that no company in Codex has.
    ///
    /// # Errors
    /// When a source does not answer.
    pub async fn strangers(&self) -> Result<Vec<Kept>, BillError> {
        let names = self.codex.names().await?;
        let known: HashSet<&str> = names.iter().map(|(number, _)| number.as_str()).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut kept = accounts::kept(&self.pool, self.recently()).await?;
        kept.retain(|kept| !known.contains(kept.account_number.as_str()));
        Ok(kept)
    }
}

impl Row {
    fn of(material: &Material, bill: &Bill<'_>) -> Self {
        let hours: Hours =
            material.data().tickets.iter().map(|ticket| hours_in(ticket, material.period().year())).sum();
        let two_places = |text: String| text.parse().unwrap_or_default();
        let receipt = &bill.receipt;
        Self {
            account_number: material.account_number().to_owned(),
            name: material.company_name().to_owned(),
            billing_plan: bill.client.billing_plan.to_owned(),
            contract_term_length: bill.client.contract_term_length.to_owned(),
            support_level: bill.support_level_display.map(str::to_owned),
            contract_end_date: bill.contract_end_date.to_string(),
            contract_expired: bill.contract_expired,
            total_bill: receipt.total.decimal(),
            workstations: bill.quantities.of("workstation"),
            servers: bill.quantities.of("server"),
            vms: bill.quantities.of("vm"),
            users: bill.quantities.of("regular_users"),
            backup: two_places(bill.total_backup_tb.two_places().to_string()),
            hours: two_places(hours.two_places().to_string()),
            is_archived: material.is_archived(),
            complete: material.incomplete().is_none(),
            unmapped_devices: bill.unmapped_devices.len(),
            charges: Charges {
                users: receipt.total_user_charges.decimal(),
                assets: receipt.total_asset_charges.decimal(),
                hours: receipt.ticket_charge.decimal(),
                backup: receipt.backup_charge.decimal(),
                items: receipt.total_line_item_charges.decimal(),
            },
            prepaid: Prepaid {
                worked: receipt.hours_for_billing_period.decimal(),
                allowance: receipt.prepaid_hours_monthly.decimal() + bill.remaining_yearly_hours.decimal(),
                billable: receipt.billable_hours.decimal(),
            },
        }
    }
}

impl Row {
    /// The archived total in the place of what the bill would be now.
    fn archive(&mut self, total: &ArchivedTotal) {
        self.total_bill = total.amount;
        self.charges = total.charges;
        self.is_archived = true;
    }

    /// An archived invoice of a company that has no bill now. Hours of its year are not known any more.
    fn of_archived(bill: ArchivedBill, total: &ArchivedTotal) -> Self {
        let data: Value = serde_json::from_str(&bill.billing_data_json).unwrap_or_default();
        let count = |key: &str| {
            let count = data["quantities"][key].as_u64().unwrap_or_default();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let decimal = |value: &Value| value.to_string().parse::<Decimal>().unwrap_or_default();
        Self {
            account_number: bill.company_account_number,
            name: bill.company_name,
            billing_plan: bill.billing_plan.unwrap_or_default(),
            contract_term_length: bill.contract_term.unwrap_or_default(),
            support_level: bill.support_level,
            // What it was then is nothing that anybody has to act on now.
            contract_end_date: "N/A".to_owned(),
            contract_expired: false,
            total_bill: total.amount,
            workstations: count("workstation"),
            servers: count("server"),
            vms: count("vm"),
            users: count("regular_users"),
            backup: decimal(&data["total_backup_tb"]).round_dp(2),
            hours: Decimal::ZERO,
            is_archived: true,
            complete: true,
            unmapped_devices: 0,
            charges: total.charges,
            prepaid: Prepaid::default(),
        }
    }
}

/// Hours of a ticket in a calendar year: its entries by their own date, what has none by the ticket's last update.
fn hours_in(ticket: &Ticket, year: i32) -> Hours {
    let is_in = |at: Option<DateTime<FixedOffset>>| {
        at.and_then(|at| Period::of(&at)).is_some_and(|month| month.year() == year)
    };
    if ticket.time_entries.is_empty() {
        return if is_in(ticket.last_updated_at) { ticket.total_hours_spent } else { Hours::ZERO };
    }
    let entries = ticket.time_entries.iter();
    entries.filter(|entry| is_in(entry.executed_at.or(ticket.last_updated_at))).map(|entry| entry.hours).sum()
}

impl Attention {
    fn of(material: &Material, reason: &NoBill) -> Self {
        Self {
            account_number: material.account_number().to_owned(),
            name: material.company_name().to_owned(),
            reason: reason.to_string(),
            is_stranger: false,
        }
    }
}

impl From<Kept> for Attention {
    fn from(kept: Kept) -> Self {
        Self {
            account_number: kept.account_number,
            name: kept.company_name.unwrap_or_default(),
            reason:
                "something was agreed on under this number, and no company in Codex has it: was it changed?"
                    .to_owned(),
            is_stranger: true,
        }
    }
}
