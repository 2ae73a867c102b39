//! The invoice as QuickBooks imports it (section 6.2), numbered and dated by the period it is for.

use super::{
    Bill, Money, cells,
    cells::{Head, Row},
    hours_text, some,
};
use crate::domain::archive::ArchivedInvoice;

/// The rows: people and devices, those that cost nothing included, line items, hours, and up to three of backup.
pub fn rows(bill: &Bill<'_>) -> Vec<Row> {
    let receipt = &bill.receipt;
    let rates = &bill.effective_rates;
    let mut rows = Vec::new();
    for line in &receipt.billed_users {
        rows.push(Row::one(
            "Managed Services",
            format!("User: {} ({})", line.name, line.billing_type),
            line.cost,
        ));
    }
    for line in &receipt.billed_assets {
        rows.push(Row::one(
            "Managed Services",
            format!("Asset: {} ({})", line.name, line.billing_type),
            line.cost,
        ));
    }
    for line in &receipt.billed_line_items {
        let description = format!("Custom Item: {} ({})", line.name, line.billing_type);
        rows.push(Row::one("Custom Services", description, line.cost));
    }
    if some(receipt.ticket_charge) {
        rows.push(Row {
            item: "Hourly Labor",
            description: hours_text(bill),
            quantity: receipt.billable_hours.two_places().to_string(),
            rate: rates.per_hour(),
            amount: receipt.ticket_charge,
        });
    }
    let info = bill.backup_info;
    let overage = receipt.overage_tb.two_places().to_string();
    for (description, quantity, rate, amount) in [
        (
            "Workstation Backup Base Fee".to_owned(),
            info.backed_up_workstations.to_string(),
            rates.per_backed_up_workstation(),
            receipt.backup_base_workstation,
        ),
        (
            "Server Backup Base Fee".to_owned(),
            info.backed_up_servers.to_string(),
            rates.per_backed_up_server(),
            receipt.backup_base_server,
        ),
        (format!("Storage Overage ({overage} TB)"), overage, rates.per_tb(), receipt.overage_charge),
    ] {
        if some(amount) {
            rows.push(Row { item: "Backup Services", description, quantity, rate, amount });
        }
    }
    rows
}

/// The whole file.
pub fn csv(bill: &Bill<'_>) -> String {
    cells::write(bill, &rows(bill))
}

/// The file of an archived invoice: its lines as they are, under the words of [`rows`]. The parts of the backup charge are one
/// line there, and those that cost nothing are none.
pub fn of_archived(invoice: &ArchivedInvoice) -> String {
    let rows = |kinds: &[&str]| -> Vec<Row> {
        let lines = invoice.line_items.iter().filter(|line| kinds.contains(&line.line_type.as_str()));
        lines
            .map(|line| {
                let description = line.description.clone().unwrap_or_else(|| line.item_name.clone());
                let (item, description, quantity) = match line.line_type.as_str() {
                    "ticket" => ("Hourly Labor", description, format!("{:.2}", line.quantity)),
                    "backup" => ("Backup Services", description, "1".to_owned()),
                    "custom" => ("Custom Services", format!("Custom Item: {description}"), "1".to_owned()),
                    _ => ("Managed Services", description, "1".to_owned()),
                };
                Row {
                    item,
                    description,
                    quantity,
                    rate: Money::stored(line.rate),
                    amount: Money::stored(line.amount),
                }
            })
            .collect()
    };
    let mut all = rows(&["user", "asset"]);
    all.extend(rows(&["custom"]));
    all.extend(rows(&["ticket"]));
    all.extend(rows(&["backup"]));
    let head = Head {
        number: &invoice.invoice_number,
        customer: &invoice.company_name,
        date: &invoice.invoice_date,
        due: invoice.due_date.as_deref().unwrap_or_default(),
    };
    cells::write_under(&head, &all)
}
