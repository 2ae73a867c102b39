//! The summary of an invoice (section 3.3).

use serde::Serialize;

use super::{Bill, Money, count, invoice, invoice_number, some};
use crate::domain::archive::ArchivedInvoice;

/// What an invoice comes to. Whether it is archived is for others to add.
#[derive(Clone, Debug, Serialize)]
pub struct Summary<'a> {
    /// Number.
    pub invoice_number: String,
    /// Customer.
    pub company_name: &'a str,
    /// Total.
    pub total_amount: Money,
    /// People with a cost.
    pub user_count: u32,
    /// Devices with a cost.
    pub asset_count: u32,
    /// Line items of the month.
    pub line_item_count: usize,
    /// Whether there is backup to pay for.
    pub has_backup_charges: bool,
    /// Whether there are hours that are not prepaid.
    pub has_hourly_charges: bool,
    /// Rows of the CSV, without its header.
    pub total_lines: usize,
}

/// Sums a bill up.
pub fn of<'a>(bill: &Bill<'a>) -> Summary<'a> {
    let receipt = &bill.receipt;
    Summary {
        invoice_number: invoice_number(bill.account_number(), bill.period),
        company_name: bill.company_name(),
        total_amount: receipt.total,
        user_count: count(&receipt.billed_users),
        asset_count: count(&receipt.billed_assets),
        line_item_count: receipt.billed_line_items.len(),
        has_backup_charges: some(receipt.backup_charge),
        has_hourly_charges: !receipt.billable_hours.is_zero(),
        total_lines: invoice::rows(bill).len(),
    }
}

/// Sums an archived invoice up.
pub fn of_archived(invoice: &ArchivedInvoice) -> Summary<'_> {
    let count = |number: i32| number.unsigned_abs();
    let lines = |kind: &str| invoice.line_items.iter().filter(|line| line.line_type == kind).count();
    Summary {
        invoice_number: invoice.invoice_number.clone(),
        company_name: &invoice.company_name,
        total_amount: Money::stored(invoice.total_amount),
        user_count: count(invoice.user_count),
        asset_count: count(invoice.asset_count),
        line_item_count: lines("custom"),
        has_backup_charges: lines("backup") > 0,
        has_hourly_charges: !invoice.billable_hours.is_zero(),
        total_lines: invoice.line_items.len(),
    }
}
