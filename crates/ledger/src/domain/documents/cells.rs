//! Lines of comma-separated values that accounting programs and spreadsheets read (section 6): quoted only where that is
//! needed, ended by CR LF, and without anything a spreadsheet would run.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::{Bill, Money, due_date, invoice_date, invoice_number};

/// The header of both kinds of invoices.
const HEADER: [&str; 9] = [
    "InvoiceNo",
    "Customer",
    "InvoiceDate",
    "DueDate",
    "Item(Product/Service)",
    "Description",
    "Qty",
    "Rate",
    "Amount",
];

/// The cells of a line that are its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Product or service.
    pub item: &'static str,
    /// What exactly.
    pub description: String,
    /// How much, as it is written.
    pub quantity: String,
    /// For each.
    pub rate: Money,
    /// Charge.
    pub amount: Money,
}

impl Row {
    /// One piece.
    pub(super) fn one(item: &'static str, description: String, cost: Money) -> Self {
        Self { item, description, quantity: "1".to_owned(), rate: cost, amount: cost }
    }
}

/// The cells that all lines of an invoice have in common.
pub(super) struct Head<'a> {
    /// Number.
    pub number: &'a str,
    /// Customer.
    pub customer: &'a str,
    /// Date.
    pub date: &'a str,
    /// When it is due.
    pub due: &'a str,
}

/// Writes the rows of a bill with its number, customer and dates.
pub(super) fn write(bill: &Bill<'_>, rows: &[Row]) -> String {
    let date = |date: NaiveDate| date.format("%Y-%m-%d").to_string();
    let head = Head {
        number: &invoice_number(bill.account_number(), bill.period),
        customer: bill.company_name(),
        date: &date(invoice_date(bill.period)),
        due: &date(due_date(bill.period)),
    };
    write_under(&head, rows)
}

/// Writes rows under the same number, customer and dates.
pub(super) fn write_under(head: &Head<'_>, rows: &[Row]) -> String {
    let (number, customer) = (harmless(head.number), harmless(head.customer));
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing into memory does not fail, and each record has the nine cells of the header.
    let _ = writer.write_record(HEADER);
    for row in rows {
        let _ = writer.write_record([
            &*number,
            &*customer,
            head.date,
            head.due,
            row.item,
            &harmless(&row.description),
            &row.quantity,
            &row.rate.to_string(),
            &row.amount.to_string(),
        ]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A text that no spreadsheet takes for a formula: an apostrophe stands before `=`, `+`, `-` or `@` at its beginning, and behind
/// a semicolon, a tab or an end of line, where a spreadsheet in another language begins a new cell. Numbers stay numbers. For
/// cells with words of other people in them; amounts and dates are ours.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let begins = |before: Option<char>| matches!(before, None | Some(';' | '\t' | '\n' | '\r'));
    let runs = |letter: char| matches!(letter, '=' | '+' | '-' | '@');
    if text.parse::<f64>().is_ok() || !text.contains(|letter| runs(letter) || matches!(letter, '\t' | '\r')) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 1);
    let mut before = None;
    for (place, letter) in text.char_indices() {
        let leading_blank = place == 0 && matches!(letter, '\t' | '\r');
        if leading_blank || (begins(before) && runs(letter)) {
            safe.push('\'');
        }
        safe.push(letter);
        // A quote may open a cell for a reader that splits at semicolons.
        if letter != '"' || !begins(before) {
            before = Some(letter);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_no_formulas() {
        for (text, expected) in [
            ("Northwind Dental", "Northwind Dental"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+49 30 1234", "'+49 30 1234"),
            ("@SUM(1)", "'@SUM(1)"),
            ("-1+2", "'-1+2"),
            ("-15.50", "-15.50"),
            ("\t=1", "'\t'=1"),
            ("\"=1", "\"'=1"),
            ("x;=1", "x;'=1"),
            ("two\n-lines", "two\n'-lines"),
            ("a-b = c@d.example", "a-b = c@d.example"),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }
}
