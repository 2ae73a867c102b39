//! What is made of a bill: invoices as CSV, as PDF and as electronic invoice, file names, the summary, and what the archive
//! keeps.

mod cells;
pub mod document;
pub mod invoice;
pub mod mail;
pub mod names;
pub mod pdf;
pub mod quickbooks;
pub mod snapshot;
pub mod summary;
pub mod ubl;
pub mod xero;

use chrono::{Days, NaiveDate};

use super::billing::{Bill, Money, Period, result::BilledLine};

/// Days until an invoice is due (section 6.1).
const DAYS_TO_PAY: u64 = 30;

/// Number of an invoice: one per company and month (section 7.1).
pub fn invoice_number(account_number: &str, period: Period) -> String {
    format!("{account_number}-{}", names::compact(period))
}

/// Date of an invoice: the last day of its month.
pub fn invoice_date(period: Period) -> NaiveDate {
    period.last_day()
}

/// When an invoice is due.
pub fn due_date(period: Period) -> NaiveDate {
    let date = invoice_date(period);
    date.checked_add_days(Days::new(DAYS_TO_PAY)).unwrap_or(date)
}

/// The lines that stand on an invoice. A cost of zero is not worth one; a negative one is a credit, without which the lines
/// would not add up.
fn charged<'a, 'b>(lines: &'b [BilledLine<'a>]) -> impl Iterator<Item = &'b BilledLine<'a>> {
    lines.iter().filter(|line| !line.cost.is_zero())
}

/// How many they are.
fn count(lines: &[BilledLine<'_>]) -> u32 {
    u32::try_from(charged(lines).count()).unwrap_or(u32::MAX)
}

/// What stands for the hours of a bill: `Billable Hours (2.50 hrs)`.
fn hours_text(bill: &Bill<'_>) -> String {
    format!("Billable Hours ({} hrs)", bill.receipt.billable_hours.two_places())
}

/// Whether money is worth a line.
fn some(money: Money) -> bool {
    !money.is_zero()
}
