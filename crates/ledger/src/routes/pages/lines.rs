//! Lines of two invoices side by side, as pages show them.

use rust_decimal::Decimal;

use super::parts::Currency;
use crate::domain::compare::Difference;

/// A line in the first, in the second, and the difference; a dash where one does not have it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DifferenceRow {
    /// Of whom or what.
    pub name: String,
    /// What for.
    pub kind: &'static str,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
    /// The difference, with its sign.
    pub change: String,
}

impl DifferenceRow {
    /// Of a line that differs.
    pub fn of(line: &Difference, currency: &Currency) -> Self {
        let amount =
            |amount: Option<Decimal>| amount.map_or_else(|| "–".to_owned(), |amount| currency.amount(amount));
        Self {
            name: line.name.clone(),
            kind: kind_words(&line.line_type),
            before: amount(line.before),
            after: amount(line.after),
            change: currency.change(line.change()),
        }
    }
}

/// A kind of line in words.
pub fn kind_words(line_type: &str) -> &'static str {
    match line_type {
        "user" => "User",
        "asset" => "Asset",
        "backup" => "Backup",
        "ticket" => "Hours",
        _ => "Line item",
    }
}
