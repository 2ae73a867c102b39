//! What the archive keeps of a bill: columns and line items (section 7.2). The amounts of the line items are the total.

use chrono::NaiveDate;

use super::{Bill, Money, charged, count, due_date, hours_text, invoice_date, invoice_number, some};
use crate::domain::billing::{Hours, explain::LineKind};

/// The columns of `billing_snapshots` that the bill decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot<'a> {
    /// Number, unique over all time.
    pub invoice_number: String,
    /// Company.
    pub company_account_number: &'a str,
    /// Its name.
    pub company_name: &'a str,
    /// Year.
    pub billing_year: i32,
    /// Month, 1 to 12.
    pub billing_month: u32,
    /// Date of the invoice.
    pub invoice_date: NaiveDate,
    /// When it is due.
    pub due_date: NaiveDate,
    /// Plan.
    pub billing_plan: &'a str,
    /// Term.
    pub contract_term: &'a str,
    /// Support level.
    pub support_level: Option<&'a str>,
    /// Total.
    pub total_amount: Money,
    /// People.
    pub total_user_charges: Money,
    /// Devices.
    pub total_asset_charges: Money,
    /// Backup.
    pub total_backup_charges: Money,
    /// Hours.
    pub total_ticket_charges: Money,
    /// Line items.
    pub total_line_item_charges: Money,
    /// People with a cost.
    pub user_count: u32,
    /// Devices with a cost.
    pub asset_count: u32,
    /// Hours that are not prepaid.
    pub billable_hours: Hours,
    /// Rows of `snapshot_line_items`.
    pub line_items: Vec<SnapshotLine<'a>>,
}

/// A row of `snapshot_line_items`.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotLine<'a> {
    /// What for.
    pub line_type: LineKind,
    /// Of whom or what.
    pub item_name: &'a str,
    /// As the invoice has it.
    pub description: String,
    /// Decimal text, two places.
    pub quantity: String,
    /// For each.
    pub rate: Money,
    /// Charge.
    pub amount: Money,
}

impl<'a> SnapshotLine<'a> {
    fn one(line_type: LineKind, item_name: &'a str, description: String, cost: Money) -> Self {
        Self { line_type, item_name, description, quantity: "1.00".to_owned(), rate: cost, amount: cost }
    }
}

/// What is kept of a bill.
pub fn of<'a>(bill: &Bill<'a>) -> Snapshot<'a> {
    let receipt = &bill.receipt;
    Snapshot {
        invoice_number: invoice_number(bill.account_number(), bill.period),
        company_account_number: bill.account_number(),
        company_name: bill.company_name(),
        billing_year: bill.period.year(),
        billing_month: bill.period.month(),
        invoice_date: invoice_date(bill.period),
        due_date: due_date(bill.period),
        billing_plan: bill.client.billing_plan,
        contract_term: bill.client.contract_term_length,
        support_level: bill.support_level_display,
        total_amount: receipt.total,
        total_user_charges: receipt.total_user_charges,
        total_asset_charges: receipt.total_asset_charges,
        total_backup_charges: receipt.backup_charge,
        total_ticket_charges: receipt.ticket_charge,
        total_line_item_charges: receipt.total_line_item_charges,
        user_count: count(&receipt.billed_users),
        asset_count: count(&receipt.billed_assets),
        billable_hours: receipt.billable_hours,
        line_items: line_items(bill),
    }
}

fn line_items<'a>(bill: &Bill<'a>) -> Vec<SnapshotLine<'a>> {
    let receipt = &bill.receipt;
    let mut lines = Vec::new();
    for line in charged(&receipt.billed_users) {
        let description = format!("User: {} ({})", line.name, line.billing_type);
        lines.push(SnapshotLine::one(LineKind::User, line.name, description, line.cost));
    }
    for line in charged(&receipt.billed_assets) {
        let description = format!("Asset: {} ({})", line.name, line.billing_type);
        lines.push(SnapshotLine::one(LineKind::Asset, line.name, description, line.cost));
    }
    if some(receipt.backup_charge) {
        let description = format!("Backup charges (base + {} TB overage)", receipt.overage_tb.two_places());
        lines.push(SnapshotLine::one(
            LineKind::Backup,
            "Backup Services",
            description,
            receipt.backup_charge,
        ));
    }
    if !receipt.billable_hours.is_zero() {
        lines.push(SnapshotLine {
            line_type: LineKind::Ticket,
            item_name: "Billable Hours",
            description: hours_text(bill),
            quantity: receipt.billable_hours.two_places().to_string(),
            rate: bill.effective_rates.per_hour(),
            amount: receipt.ticket_charge,
        });
    }
    for line in &receipt.billed_line_items {
        let description = format!("{} ({})", line.name, line.billing_type);
        lines.push(SnapshotLine::one(LineKind::Custom, line.name, description, line.cost));
    }
    lines
}
