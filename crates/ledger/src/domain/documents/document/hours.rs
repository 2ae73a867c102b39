//! The hours behind an invoice, from the bill or from what the archive keeps of it (`billing_data_json`).

use rust_decimal::Decimal;
use serde::Deserialize;

use super::sum;
use crate::domain::billing::Bill;

/// A ticket of an invoice.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketShown {
    /// Number.
    pub number: String,
    /// Subject line.
    pub subject: String,
    /// Hours of it in the invoice.
    pub hours: Decimal,
    /// Hours that are listed and not charged.
    pub non_billable: Decimal,
}

/// The hours of an invoice: how many there were, how many of them were prepaid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HoursShown {
    /// Tickets with hours.
    pub tickets: Vec<TicketShown>,
    /// Hours worked.
    pub worked: Decimal,
    /// Covered by the hours prepaid for their month.
    pub prepaid_monthly: Decimal,
    /// Covered by the hours prepaid for their year.
    pub prepaid_yearly: Decimal,
    /// Left to pay for.
    pub billable: Decimal,
}

impl HoursShown {
    /// The hours of a bill; none where nobody worked.
    pub fn of(bill: &Bill<'_>) -> Option<Self> {
        let months = &bill.explain.hours.months;
        let shown = Self {
            tickets: bill
                .tickets_for_billing_period
                .iter()
                .map(|ticket| TicketShown {
                    number: ticket.ticket_number.unwrap_or_default().to_owned(),
                    subject: ticket.subject.unwrap_or_default().to_owned(),
                    hours: ticket.total_hours_spent.decimal(),
                    non_billable: ticket.non_billable_hours.decimal(),
                })
                .collect(),
            worked: bill.receipt.hours_for_billing_period.decimal(),
            prepaid_monthly: sum(months.iter().map(|month| month.prepaid_monthly.decimal())),
            prepaid_yearly: sum(months.iter().map(|month| month.prepaid_yearly.decimal())),
            billable: bill.receipt.billable_hours.decimal(),
        };
        shown.worth_showing()
    }

    /// The hours in a bill that was archived as JSON; none where nobody worked, or where nothing can be read of it. Bills of the
    /// original suite do not say which prepaid hours were used, so all of them count as those of the month.
    pub fn read(billing_data: &str) -> Option<Self> {
        let data: BillingData = serde_json::from_str(billing_data).ok()?;
        let (worked, billable) =
            (data.receipt_data.hours_for_billing_period, data.receipt_data.billable_hours);
        let (prepaid_monthly, prepaid_yearly) = match data.explain {
            Some(explain) => {
                let months = explain.hours.months;
                (
                    sum(months.iter().map(|month| month.prepaid_monthly)),
                    sum(months.iter().map(|month| month.prepaid_yearly)),
                )
            }
            None => (worked.saturating_sub(billable), Decimal::ZERO),
        };
        let tickets = data.tickets_for_billing_period.into_iter();
        let shown = Self {
            tickets: tickets
                .map(|ticket| TicketShown {
                    number: ticket.ticket_number.unwrap_or_default(),
                    subject: ticket.subject.unwrap_or_default(),
                    hours: ticket.total_hours_spent.unwrap_or_default(),
                    non_billable: ticket.non_billable_hours,
                })
                .collect(),
            worked,
            prepaid_monthly,
            prepaid_yearly,
            billable,
        };
        shown.worth_showing()
    }

    /// Without tickets that nobody worked on.
    fn worth_showing(mut self) -> Option<Self> {
        self.tickets.retain(|ticket| !ticket.hours.is_zero() || !ticket.non_billable.is_zero());
        (!self.tickets.is_empty() || !self.worked.is_zero()).then_some(self)
    }
}

#[derive(Deserialize)]
struct BillingData {
    #[serde(default)]
    tickets_for_billing_period: Vec<Ticket>,
    receipt_data: Receipt,
    explain: Option<Explain>,
}

#[derive(Deserialize)]
struct Ticket {
    ticket_number: Option<String>,
    subject: Option<String>,
    total_hours_spent: Option<Decimal>,
    #[serde(default)]
    non_billable_hours: Decimal,
}

#[derive(Deserialize)]
struct Receipt {
    hours_for_billing_period: Decimal,
    billable_hours: Decimal,
}

#[derive(Deserialize)]
struct Explain {
    hours: ExplainedHours,
}

#[derive(Deserialize)]
struct ExplainedHours {
    months: Vec<Month>,
}

#[derive(Deserialize)]
struct Month {
    prepaid_monthly: Decimal,
    prepaid_yearly: Decimal,
}
