//! Documents from rows of the archive. A bill that is not archived yet becomes the rows that it would be, so that the preview of
//! an invoice is the invoice.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Customer, HoursShown, InvoiceDocument, Kind, Line, Sender, Unit, sum, to_cents};
use crate::domain::{
    billing::{Bill, Period, explain::LineKind},
    documents::snapshot,
};

/// A row of `billing_snapshots`.
#[derive(Clone, Debug)]
pub struct Archived<'a> {
    /// Number.
    pub invoice_number: &'a str,
    /// Company.
    pub company_account_number: &'a str,
    /// Its name at that time.
    pub company_name: &'a str,
    /// The month.
    pub period: Period,
    /// Date of the invoice.
    pub invoice_date: NaiveDate,
    /// When it is due.
    pub due_date: Option<NaiveDate>,
    /// Plan.
    pub billing_plan: Option<&'a str>,
    /// Term.
    pub contract_term: Option<&'a str>,
    /// Support level.
    pub support_level: Option<&'a str>,
    /// Total.
    pub total_amount: Decimal,
    /// Words for the customer.
    pub notes: Option<&'a str>,
    /// Rows of `snapshot_line_items`.
    pub lines: Vec<ArchivedLine<'a>>,
    /// From `billing_data_json`: [`HoursShown::read`].
    pub hours: Option<HoursShown>,
}

/// A row of `snapshot_line_items`.
#[derive(Clone, Debug)]
pub struct ArchivedLine<'a> {
    /// `user`, `asset`, `backup`, `ticket` or `custom`.
    pub line_type: &'a str,
    /// Of whom or what.
    pub item_name: &'a str,
    /// As the CSV has it.
    pub description: Option<&'a str>,
    /// How much of it.
    pub quantity: Decimal,
    /// For each.
    pub rate: Decimal,
    /// Charge.
    pub amount: Decimal,
}

/// The invoice of an archived month.
pub fn of_archived<'s>(rows: Archived<'_>, sender: &'s Sender) -> InvoiceDocument<'s> {
    InvoiceDocument {
        kind: Kind::Invoice,
        number: rows.invoice_number.to_owned(),
        date: rows.invoice_date,
        due_date: rows.due_date,
        period: rows.period,
        customer: Customer {
            name: rows.company_name.to_owned(),
            account_number: rows.company_account_number.to_owned(),
            address: Vec::new(),
        },
        plan: words(rows.billing_plan),
        term: words(rows.contract_term),
        support_level: words(rows.support_level),
        sender,
        lines: rows.lines.iter().map(line).collect(),
        hours: rows.hours,
        total: to_cents(rows.total_amount),
        credits: Vec::new(),
        notes: words(rows.notes),
    }
}

/// The invoice of a bill.
pub fn of_bill<'s>(bill: &Bill<'_>, sender: &'s Sender) -> InvoiceDocument<'s> {
    let rows = snapshot::of(bill);
    let archived = Archived {
        invoice_number: &rows.invoice_number,
        company_account_number: rows.company_account_number,
        company_name: rows.company_name,
        period: bill.period,
        invoice_date: rows.invoice_date,
        due_date: Some(rows.due_date),
        billing_plan: Some(rows.billing_plan),
        contract_term: Some(rows.contract_term),
        support_level: rows.support_level,
        total_amount: rows.total_amount.decimal(),
        notes: None,
        lines: rows
            .line_items
            .iter()
            .map(|line| ArchivedLine {
                line_type: line.line_type.name(),
                item_name: line.item_name,
                description: Some(&line.description),
                quantity: line.quantity.parse().unwrap_or(Decimal::ONE),
                rate: line.rate.decimal(),
                amount: line.amount.decimal(),
            })
            .collect(),
        hours: HoursShown::of(bill),
    };
    of_archived(archived, sender)
}

/// The credit note that takes amounts of an invoice back. Amounts of `lines` (what, and how much) are positive.
pub fn credit_note<'s>(
    invoice: InvoiceDocument<'s>,
    number: &str,
    date: NaiveDate,
    reason: &str,
    lines: &[(&str, Decimal)],
) -> InvoiceDocument<'s> {
    let lines: Vec<Line> = lines
        .iter()
        .map(|(description, amount)| Line {
            kind: LineKind::Custom,
            description: (*description).to_owned(),
            quantity: Decimal::ONE,
            unit: Unit::Piece,
            unit_price: -to_cents(*amount),
            amount: -to_cents(*amount),
        })
        .collect();
    InvoiceDocument {
        kind: Kind::CreditNote { invoice_number: invoice.number, reason: reason.to_owned() },
        number: number.to_owned(),
        date,
        due_date: None,
        total: sum(lines.iter().map(|line| line.amount)),
        lines,
        hours: None,
        credits: Vec::new(),
        notes: None,
        ..invoice
    }
}

fn line(row: &ArchivedLine<'_>) -> Line {
    let (kind, unit) = match row.line_type {
        "user" => (LineKind::User, Unit::Piece),
        "asset" => (LineKind::Asset, Unit::Piece),
        "backup" => (LineKind::Backup, Unit::Piece),
        "ticket" => (LineKind::Ticket, Unit::Hour),
        _ => (LineKind::Custom, Unit::Piece),
    };
    let description = row.description.filter(|text| !text.trim().is_empty()).unwrap_or(row.item_name);
    Line {
        kind,
        description: description.to_owned(),
        quantity: row.quantity,
        unit,
        unit_price: to_cents(row.rate),
        amount: to_cents(row.amount),
    }
}

fn words(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}
