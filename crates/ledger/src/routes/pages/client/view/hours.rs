//! The hours of a bill, and what they come from.

use hivematrix_shared::pages::format::iso_z;

use super::super::{
    super::parts,
    lines::{ChargeLine, Reader},
};
use crate::domain::billing::{
    Bill,
    explain::{Booked, LineKind},
};

/// A ticket behind the hours.
#[derive(Clone, Debug)]
pub struct TicketLine {
    /// Number.
    pub number: String,
    /// Subject line.
    pub subject: String,
    /// Hours in this bill.
    pub hours: String,
    /// Hours that are listed and not charged; empty for none.
    pub non_billable: String,
    /// Booked hours one by one: time for machines, time for people, hours, remark.
    pub entries: Vec<(String, String, String, &'static str)>,
}

/// Hours of a month of work: words and what became of them.
#[derive(Clone, Debug)]
pub struct WorkMonthLine {
    /// The month.
    pub month: String,
    /// Hours in this bill.
    pub hours: String,
    /// Covered by the monthly allowance.
    pub monthly: String,
    /// Balance of the yearly hours before them.
    pub balance: String,
    /// Covered by it.
    pub yearly: String,
    /// Left to pay for.
    pub billable: String,
}

/// The hours of a bill.
#[derive(Clone, Debug)]
pub struct HoursView {
    /// In this bill.
    pub hours: String,
    /// Prepaid a month.
    pub monthly: String,
    /// Prepaid a year.
    pub yearly: String,
    /// Balance of the year at the start of the month.
    pub remaining: String,
    /// To pay for.
    pub billable: String,
    /// Charge.
    pub charge: String,
    /// The line with its reason.
    pub line: Option<ChargeLine>,
    /// Where hours came late.
    pub months: Vec<WorkMonthLine>,
    /// Tickets.
    pub tickets: Vec<TicketLine>,
}

impl HoursView {
    /// Of a bill.
    pub(super) fn of(bill: &Bill<'_>, reader: &Reader<'_>) -> Self {
        let receipt = &bill.receipt;
        let line = bill.explain.lines.iter().find(|line| line.kind == LineKind::Ticket);
        Self {
            hours: receipt.hours_for_billing_period.two_places().to_string(),
            monthly: receipt.prepaid_hours_monthly.two_places().to_string(),
            yearly: receipt.prepaid_hours_yearly.two_places().to_string(),
            remaining: bill.remaining_yearly_hours.two_places().to_string(),
            billable: receipt.billable_hours.two_places().to_string(),
            charge: reader.money(receipt.ticket_charge),
            line: line.map(|line| reader.line(line)),
            months: work_months(bill),
            tickets: tickets(bill),
        }
    }
}

/// By month of work, where that tells more than the sums: hours that came late.
fn work_months(bill: &Bill<'_>) -> Vec<WorkMonthLine> {
    let months = &bill.explain.hours.months;
    if months.iter().all(|month| month.month == bill.period && month.billed_before.is_zero()) {
        return Vec::new();
    }
    months
        .iter()
        .map(|month| WorkMonthLine {
            month: parts::month_words(month.month),
            hours: month.hours.two_places().to_string(),
            monthly: month.prepaid_monthly.two_places().to_string(),
            balance: month.yearly_balance.two_places().to_string(),
            yearly: month.prepaid_yearly.two_places().to_string(),
            billable: month.billable.two_places().to_string(),
        })
        .collect()
}

fn tickets(bill: &Bill<'_>) -> Vec<TicketLine> {
    let entry = |booked: &Booked<'_>| {
        let at = booked.at.map(|at| at.to_utc());
        let iso = at.map(iso_z).unwrap_or_default();
        let text =
            at.map_or_else(|| "without date".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
        let remark = match (booked.billable, booked.late) {
            (false, _) => "not charged",
            (true, true) => "came after its month was archived",
            (true, false) => "",
        };
        (iso, text, booked.hours.two_places().to_string(), remark)
    };
    bill.tickets_for_billing_period
        .iter()
        .map(|ticket| {
            let number = ticket.ticket_number.unwrap_or_default();
            let booked = bill.explain.hours.booked.iter().filter(|booked| booked.ticket_number == number);
            TicketLine {
                number: number.to_owned(),
                subject: ticket.subject.filter(|text| !text.is_empty()).unwrap_or("(no subject)").to_owned(),
                hours: ticket.total_hours_spent.two_places().to_string(),
                non_billable: if ticket.non_billable_hours.is_zero() {
                    String::new()
                } else {
                    ticket.non_billable_hours.two_places().to_string()
                },
                entries: booked.map(entry).collect(),
            }
        })
        .collect()
}
