//! The invoice as QuickBooks imports it (section 6.2), numbered and dated by the period it is for.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    Bill, Money, cells,
    cells::{Head, Row},
    some,
};
use crate::domain::{archive::ArchivedInvoice, billing::result::BilledLine};

/// The rows: people and devices, those that cost nothing included, line items, hours, and up to three of backup.
pub fn rows(bill: &Bill<'_>) -> Vec<Row> {
    Charges::of(bill).rows()
}

/// What the rows are made of, from a bill or from what the archive keeps of it.
struct Charges {
    users: Vec<Named>,
    assets: Vec<Named>,
    line_items: Vec<Named>,
    hours: String,
    hour: Charge,
    workstations: Charge,
    servers: Charge,
    overage_tb: String,
    overage: Charge,
    backed_up_workstations: u32,
    backed_up_servers: u32,
}

/// A rate and what it made.
struct Charge {
    rate: Money,
    amount: Money,
}

struct Named {
    /// `Amy Jones (Paid)`.
    words: String,
    cost: Money,
}

impl Charges {
    fn of(bill: &Bill<'_>) -> Self {
        let (receipt, rates, info) = (&bill.receipt, &bill.effective_rates, bill.backup_info);
        let named = |lines: &[BilledLine<'_>]| {
            let one = |line: &BilledLine<'_>| Named {
                words: format!("{} ({})", line.name, line.billing_type),
                cost: line.cost,
            };
            lines.iter().map(one).collect()
        };
        Self {
            users: named(&receipt.billed_users),
            assets: named(&receipt.billed_assets),
            line_items: named(&receipt.billed_line_items),
            hours: receipt.billable_hours.two_places().to_string(),
            hour: Charge { rate: rates.per_hour(), amount: receipt.ticket_charge },
            workstations: Charge {
                rate: rates.per_backed_up_workstation(),
                amount: receipt.backup_base_workstation,
            },
            servers: Charge { rate: rates.per_backed_up_server(), amount: receipt.backup_base_server },
            overage_tb: receipt.overage_tb.two_places().to_string(),
            overage: Charge { rate: rates.per_tb(), amount: receipt.overage_charge },
            backed_up_workstations: info.backed_up_workstations,
            backed_up_servers: info.backed_up_servers,
        }
    }

    /// Of a bill that was archived as JSON; none where something is not in it.
    fn read(billing_data: &str) -> Option<Self> {
        let data: StoredBill = serde_json::from_str(billing_data).ok()?;
        let (receipt, rates, info) = (data.receipt_data, data.effective_rates, data.backup_info);
        let named = |lines: Vec<StoredLine>| {
            let one = |line: StoredLine| Named {
                words: format!("{} ({})", line.name, line.billing_type),
                cost: Money::stored(line.cost),
            };
            lines.into_iter().map(one).collect()
        };
        let charge = |rate, amount| Charge { rate: Money::stored(rate), amount: Money::stored(amount) };
        Some(Self {
            users: named(receipt.billed_users),
            assets: named(receipt.billed_assets),
            line_items: named(receipt.billed_line_items),
            hours: Money::stored(receipt.billable_hours).to_string(),
            hour: charge(rates.per_hour_ticket_cost, receipt.ticket_charge),
            workstations: charge(rates.backup_base_fee_workstation, receipt.backup_base_workstation),
            servers: charge(rates.backup_base_fee_server, receipt.backup_base_server),
            overage_tb: Money::stored(receipt.overage_tb).to_string(),
            overage: charge(rates.backup_per_tb_fee, receipt.overage_charge),
            backed_up_workstations: info.backed_up_workstations,
            backed_up_servers: info.backed_up_servers,
        })
    }

    fn rows(self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (item, kind, lines) in [
            ("Managed Services", "User", self.users),
            ("Managed Services", "Asset", self.assets),
            ("Custom Services", "Custom Item", self.line_items),
        ] {
            rows.extend(
                lines.into_iter().map(|line| Row::one(item, format!("{kind}: {}", line.words), line.cost)),
            );
        }
        for (item, description, quantity, Charge { rate, amount }) in [
            ("Hourly Labor", format!("Billable Hours ({} hrs)", self.hours), self.hours, self.hour),
            (
                "Backup Services",
                "Workstation Backup Base Fee".to_owned(),
                self.backed_up_workstations.to_string(),
                self.workstations,
            ),
            (
                "Backup Services",
                "Server Backup Base Fee".to_owned(),
                self.backed_up_servers.to_string(),
                self.servers,
            ),
            (
                "Backup Services",
                format!("Storage Overage ({} TB)", self.overage_tb),
                self.overage_tb,
                self.overage,
            ),
        ] {
            if some(amount) {
                rows.push(Row { item, description, quantity, rate, amount });
            }
        }
        rows
    }
}

#[derive(Deserialize)]
struct StoredBill {
    receipt_data: StoredReceipt,
    effective_rates: StoredRates,
    backup_info: StoredBackup,
}

#[derive(Deserialize)]
struct StoredReceipt {
    billed_users: Vec<StoredLine>,
    billed_assets: Vec<StoredLine>,
    billed_line_items: Vec<StoredLine>,
    billable_hours: Decimal,
    ticket_charge: Decimal,
    backup_base_workstation: Decimal,
    backup_base_server: Decimal,
    overage_tb: Decimal,
    overage_charge: Decimal,
}

#[derive(Deserialize)]
struct StoredLine {
    name: String,
    #[serde(rename = "type")]
    billing_type: String,
    cost: Decimal,
}

#[derive(Deserialize)]
struct StoredRates {
    per_hour_ticket_cost: Decimal,
    backup_base_fee_workstation: Decimal,
    backup_base_fee_server: Decimal,
    backup_per_tb_fee: Decimal,
}

#[derive(Deserialize)]
struct StoredBackup {
    backed_up_workstations: u32,
    backed_up_servers: u32,
}

/// The whole file.
pub fn csv(bill: &Bill<'_>) -> String {
    cells::write(bill, &rows(bill))
}

/// The file of an archived invoice: the same as that of its bill.
pub fn of_archived(invoice: &ArchivedInvoice) -> String {
    let rows = Charges::read(&invoice.billing_data_json).map_or_else(|| of_lines(invoice), Charges::rows);
    let head = Head {
        number: &invoice.invoice_number,
        customer: &invoice.company_name,
        date: &invoice.invoice_date,
        due: invoice.due_date.as_deref().unwrap_or_default(),
    };
    cells::write_under(&head, &rows)
}

/// The lines of an invoice whose bill was not kept whole, as some of the original suite were not: the parts of the backup charge
/// are one line there, and those that cost nothing are none.
fn of_lines(invoice: &ArchivedInvoice) -> Vec<Row> {
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
    all
}
