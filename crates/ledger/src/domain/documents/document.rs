//! An invoice or a credit note as the customer gets it, whatever it is made from (a bill, rows of the archive) and whatever is
//! made of it (PDF, Xero, UBL).

mod archived;
mod hours;

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

pub use archived::{Archived, ArchivedLine, credit_note, of_archived, of_bill};
pub use hours::{HoursShown, TicketShown};

use super::pdf::logo::Logo;
use crate::domain::billing::{Period, explain::LineKind};

/// What documents say of who sends them, the same on all of them.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// Name.
    pub name: String,
    /// Lines of the address, as they are printed.
    pub address: Vec<String>,
    /// E-mail address for questions.
    pub email: Option<String>,
    /// Tax number, as it is printed.
    pub tax_id: Option<String>,
    /// Terms of payment.
    pub terms: Option<String>,
    /// Picture above the name.
    pub logo: Option<Logo>,
    /// Currency of all amounts, ISO 4217.
    pub currency: String,
}

/// Who it is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Customer {
    /// Name.
    pub name: String,
    /// Number.
    pub account_number: String,
    /// Lines of the address, where it is known.
    pub address: Vec<String>,
}

/// Which document it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kind {
    /// An invoice.
    Invoice,
    /// A correction of one. Its amounts are negative.
    CreditNote {
        /// The invoice.
        invoice_number: String,
        /// Why.
        reason: String,
    },
}

/// What a quantity counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Pieces.
    Piece,
    /// Hours.
    Hour,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What for.
    pub kind: LineKind,
    /// Of whom or what.
    pub description: String,
    /// How much of it.
    pub quantity: Decimal,
    /// In what.
    pub unit: Unit,
    /// For each.
    pub unit_price: Decimal,
    /// Charge.
    pub amount: Decimal,
}

impl Line {
    /// The quantity as it is printed: `1`, `2.50 h`.
    pub fn quantity_text(&self) -> String {
        match self.unit {
            Unit::Hour => format!("{} h", amount_text(self.quantity)),
            Unit::Piece if self.quantity.is_integer() => self.quantity.normalize().to_string(),
            Unit::Piece => amount_text(self.quantity),
        }
    }

    /// The description under the heading of its group, which says that it is a user or a device. That a user is one of the
    /// paid kind is left out: on paper it would read as if the invoice was paid.
    pub fn short_description(&self) -> &str {
        let text = self.description.as_str();
        match self.kind {
            LineKind::User => {
                let text = text.strip_prefix("User: ").unwrap_or(text);
                text.strip_suffix(" (Paid)").unwrap_or(text)
            }
            LineKind::Asset => text.strip_prefix("Asset: ").unwrap_or(text),
            LineKind::Backup | LineKind::Ticket | LineKind::Custom => text,
        }
    }

    /// Quantity and price whose product is the amount to the cent, for programs that multiply them again: those of the line, or
    /// one time the amount where the quantity was rounded.
    pub fn product(&self) -> (Decimal, Unit, Decimal) {
        let product = self.quantity.checked_mul(self.unit_price).map(to_cents);
        if product == Some(self.amount) {
            (self.quantity, self.unit, self.unit_price)
        } else {
            (Decimal::ONE, Unit::Piece, self.amount)
        }
    }
}

/// Lines of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Group<'a> {
    /// Heading.
    pub title: String,
    /// In their order.
    pub lines: Vec<&'a Line>,
    /// Their sum.
    pub subtotal: Decimal,
}

impl<'a> Group<'a> {
    fn of(title: String, lines: Vec<&'a Line>) -> Option<Self> {
        let subtotal = sum(lines.iter().map(|line| line.amount));
        (!lines.is_empty()).then_some(Self { title, lines, subtotal })
    }
}

/// A credit note that reduces what is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Credit {
    /// Number.
    pub number: String,
    /// Date.
    pub date: NaiveDate,
    /// How much, positive.
    pub amount: Decimal,
}

/// An invoice or a credit note.
#[derive(Clone, Debug)]
pub struct InvoiceDocument<'a> {
    /// Which of them.
    pub kind: Kind,
    /// Its number.
    pub number: String,
    /// Its date.
    pub date: NaiveDate,
    /// When it is due.
    pub due_date: Option<NaiveDate>,
    /// The month it is for.
    pub period: Period,
    /// Who it is for.
    pub customer: Customer,
    /// Plan.
    pub plan: Option<String>,
    /// Term of the contract.
    pub term: Option<String>,
    /// Support level.
    pub support_level: Option<String>,
    /// Who it is from.
    pub sender: &'a Sender,
    /// What is charged, or taken back.
    pub lines: Vec<Line>,
    /// Where its hours come from.
    pub hours: Option<HoursShown>,
    /// Total. The archive's word counts: imported invoices may differ by a cent from their lines.
    pub total: Decimal,
    /// Credit notes to subtract.
    pub credits: Vec<Credit>,
    /// Words for the customer.
    pub notes: Option<String>,
}

impl InvoiceDocument<'_> {
    /// Its lines by what they are for, in the order of the invoice.
    pub fn groups(&self) -> Vec<Group<'_>> {
        if let Kind::CreditNote { invoice_number, .. } = &self.kind {
            let title = format!("Credited from invoice {invoice_number}");
            return Group::of(title, self.lines.iter().collect()).into_iter().collect();
        }
        [
            (LineKind::User, "Users"),
            (LineKind::Asset, "Devices"),
            (LineKind::Backup, "Backup"),
            (LineKind::Ticket, "Hours"),
            (LineKind::Custom, "Other items"),
        ]
        .into_iter()
        .filter_map(|(kind, title)| {
            Group::of(title.to_owned(), self.lines.iter().filter(|line| line.kind == kind).collect())
        })
        .collect()
    }

    /// The sum of the lines.
    pub fn sum_of_lines(&self) -> Decimal {
        sum(self.lines.iter().map(|line| line.amount))
    }

    /// What the total differs from the lines by.
    pub fn rounding(&self) -> Decimal {
        self.total.saturating_sub(self.sum_of_lines())
    }

    /// What is left to pay.
    pub fn amount_due(&self) -> Decimal {
        self.total.saturating_sub(sum(self.credits.iter().map(|credit| credit.amount)))
    }

    /// Invoice or credit note, in words.
    pub fn title(&self) -> &'static str {
        match self.kind {
            Kind::Invoice => "Invoice",
            Kind::CreditNote { .. } => "Credit note",
        }
    }
}

/// A sum that ends at the largest number there is.
fn sum(amounts: impl Iterator<Item = Decimal>) -> Decimal {
    amounts.fold(Decimal::ZERO, Decimal::saturating_add)
}

/// Two decimal places and a comma between thousands: `1,234.50`.
pub fn amount_text(amount: Decimal) -> String {
    let cents = to_cents(amount);
    let text = cents.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if cents.is_sign_negative() && !cents.is_zero() { "-" } else { "" };
    format!("{sign}{grouped}.{fraction}")
}

/// To two places, half away from zero, as all bills are rounded (rule 41).
fn to_cents(amount: Decimal) -> Decimal {
    let mut cents = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    cents.rescale(2);
    cents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_have_two_places_and_commas() {
        for (amount, expected) in [
            ("0", "0.00"),
            ("5", "5.00"),
            ("999.995", "1,000.00"),
            ("1234.5", "1,234.50"),
            ("-1234567.891", "-1,234,567.89"),
            ("-0.001", "0.00"),
            ("79228162514264337593543950335", "79,228,162,514,264,337,593,543,950,335.00"),
        ] {
            assert_eq!(amount_text(decimal(amount)), expected, "{amount}");
        }
    }

    #[test]
    fn a_product_is_the_amount_to_the_cent() {
        let line = |quantity: &str, unit_price: &str, amount: &str| Line {
            kind: LineKind::Ticket,
            description: String::new(),
            quantity: decimal(quantity),
            unit: Unit::Hour,
            unit_price: decimal(unit_price),
            amount: decimal(amount),
        };
        let plain = line("0.75", "95.50", "71.63");
        assert_eq!(plain.product(), (decimal("0.75"), Unit::Hour, decimal("95.50")));
        // A third of an hour, which the archive keeps as 0.33.
        let third = line("0.33", "90", "30.00");
        assert_eq!(third.product(), (Decimal::ONE, Unit::Piece, decimal("30.00")));
    }
}
