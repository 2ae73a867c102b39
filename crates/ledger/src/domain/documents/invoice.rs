//! The invoice as CSV (section 6.1). The amounts of its rows are the total of the bill.

use super::{Bill, cells, charged, hours_text, some};

pub use cells::Row;

/// The rows: people, devices, backup, hours, line items.
pub fn rows(bill: &Bill<'_>) -> Vec<Row> {
    let receipt = &bill.receipt;
    let mut rows = Vec::new();
    for line in charged(&receipt.billed_users) {
        rows.push(Row::one(
            "Managed Services",
            format!("User: {} ({})", line.name, line.billing_type),
            line.cost,
        ));
    }
    for line in charged(&receipt.billed_assets) {
        rows.push(Row::one(
            "Managed Services",
            format!("Asset: {} ({})", line.name, line.billing_type),
            line.cost,
        ));
    }
    if some(receipt.backup_charge) {
        rows.push(Row::one("Backup Services", backup_text(bill), receipt.backup_charge));
    }
    // Also at rate 0: the customer sees what was done.
    if !receipt.billable_hours.is_zero() {
        rows.push(Row {
            item: "Hourly Labor",
            description: hours_text(bill),
            quantity: receipt.billable_hours.two_places().to_string(),
            rate: bill.effective_rates.per_hour(),
            amount: receipt.ticket_charge,
        });
    }
    for line in &receipt.billed_line_items {
        rows.push(Row::one("Custom Charge", format!("{} ({})", line.name, line.billing_type), line.cost));
    }
    rows
}

fn backup_text(bill: &Bill<'_>) -> String {
    let receipt = &bill.receipt;
    let mut parts = Vec::new();
    if some(receipt.backup_base_workstation) {
        parts.push(format!("Workstation Backup Base: ${}", receipt.backup_base_workstation));
    }
    if some(receipt.backup_base_server) {
        parts.push(format!("Server Backup Base: ${}", receipt.backup_base_server));
    }
    if some(receipt.overage_charge) {
        parts.push(format!("Overage: {} TB @ ${}", receipt.overage_tb.two_places(), receipt.overage_charge));
    }
    format!("Backup Services - {}", parts.join(", "))
}

/// The whole file.
pub fn csv(bill: &Bill<'_>) -> String {
    cells::write(bill, &rows(bill))
}
