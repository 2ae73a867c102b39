//! Hours: which of them a bill holds, and which of those are prepaid (rules 21 to 28, 46 to 48).
//!
//! A bill holds each hour once ever. Where Codex has dated entries, an entry belongs to the month the work was done in, or,
//! when that is archived, to the earliest month after it that is not. Prepaid hours follow the date of the work all the same:
//!
//! - The monthly allowance of the month of the work is used first. Hours of that month in earlier bills have used their part
//!   of it, so late hours get what was left, and nothing carries over.
//! - What is beyond it takes from the pool of the year of the work. The balance is what the hours of that year before the
//!   billed month left over, whoever billed them, so that no pool hour counts twice. Late hours of the same bill go first, in
//!   the order of their months, and use up the pool for those after them.
//! - How much a month uses up is all its hours (`gross`, rule 24) or those beyond its allowance (`net`, rule 47).
//!
//! Without late hours this is rule 26 to the letter: max(0, max(0, hours − monthly) − remaining).

mod collect;

use std::collections::BTreeMap;

use super::{
    Inputs,
    explain::{Behind, Booked, HoursExplained, Line, LineKind, Quantity, WorkMonth},
    number::{Hours, Money},
    period::Period,
    rates::{Rate, Rates},
    result::{BilledTicket, HeldHours},
};
use collect::Collected;
use indexmap::IndexSet;

/// The hours of a bill.
#[derive(Debug)]
pub(super) struct Labour<'a> {
    pub tickets: Vec<BilledTicket<'a>>,
    pub skipped: Vec<&'a str>,
    pub held: Vec<HeldHours<'a>>,
    pub explained: HoursExplained<'a>,
    pub hours: Hours,
    pub prepaid_monthly: Hours,
    pub prepaid_yearly: Hours,
    /// Balance of the year's pool at the start of the month.
    pub remaining_yearly: Hours,
    pub billable: Hours,
    pub charge: Money,
    pub this_month: Hours,
    pub last_month: Hours,
    pub line: Option<Line<'a>>,
}

/// Hours of one month of work.
#[derive(Clone, Copy, Debug, Default)]
struct Worked {
    /// In this bill.
    here: Hours,
    /// In other bills, or in earlier months that are still open.
    elsewhere: Hours,
}

/// What is prepaid, and how it is used up.
#[derive(Clone, Copy, Debug)]
struct Prepaid {
    monthly: Hours,
    yearly: Hours,
    net: bool,
    /// Whether the pool is never filled again, as upstream has it.
    endless: bool,
}

impl Prepaid {
    /// What so many hours of one month take from the pool.
    fn used_by(self, hours: Hours) -> Hours {
        if self.net { hours.without(self.monthly) } else { hours }
    }

    /// What the months before `period` left of the pool of a year, without what `period`'s bill itself holds of them. May be
    /// negative.
    fn left(self, worked: &BTreeMap<Period, Worked>, period: Period, year: i32) -> Hours {
        let before = worked.range(..period).filter(|(month, _)| self.endless || month.year() == year);
        self.yearly.minus(before.map(|(_, worked)| self.used_by(worked.elsewhere)).sum())
    }
}

/// Bills the hours.
pub(super) fn bill<'a>(inputs: &Inputs<'a>, rates: &Rates<'a>) -> Labour<'a> {
    let Collected { worked, tickets, skipped, booked, held, this_month, last_month } =
        collect::collect(inputs);
    let own = inputs.client_override;
    let prepaid = Prepaid {
        monthly: own.and_then(|own| own.prepaid_hours_monthly).unwrap_or_default(),
        yearly: own.and_then(|own| own.prepaid_hours_yearly).unwrap_or_default(),
        net: inputs.readings.net_pool(),
        endless: inputs.readings.original,
    };
    let (months, remaining_yearly) = split(&worked, inputs.period, prepaid);
    let hours: Hours = months.iter().map(|month| month.hours).sum();
    let billable: Hours = months.iter().map(|month| month.billable).sum();
    let charge = rates.value(Rate::Hour).for_hours(billable);
    let line = (!hours.is_zero() || !billable.is_zero()).then(|| Line {
        kind: LineKind::Ticket,
        rule: 27,
        name: "Billable Hours",
        billing_type: "Hours",
        type_source: None,
        quantity: Quantity::Hours(billable),
        rate: rates.value(Rate::Hour),
        rate_name: Some(Rate::Hour.name()),
        rate_source: rates.source(Rate::Hour),
        amount: charge,
        behind: Behind::Tickets { tickets: numbers(&booked) },
    });
    Labour {
        tickets,
        skipped,
        held,
        explained: HoursExplained { months, booked },
        hours,
        prepaid_monthly: prepaid.monthly,
        prepaid_yearly: prepaid.yearly,
        remaining_yearly,
        billable,
        charge,
        this_month,
        last_month,
        line,
    }
}

/// The tickets that charged hours come from, each once.
fn numbers<'a>(booked: &[Booked<'a>]) -> Vec<&'a str> {
    let charged = booked.iter().filter(|booked| booked.billable);
    charged.map(|booked| booked.ticket_number).collect::<IndexSet<_>>().into_iter().collect()
}

/// Takes off what is prepaid, month of work by month of work, and tells the balance of the year at the start of the month.
fn split(worked: &BTreeMap<Period, Worked>, period: Period, prepaid: Prepaid) -> (Vec<WorkMonth>, Hours) {
    let this = worked.get(&period).copied().unwrap_or_default();
    let late = worked.range(..period).filter(|(_, worked)| !worked.here.is_zero());
    let mut balances: BTreeMap<i32, Hours> = BTreeMap::new();
    let mut balance_of = |month: Period, used: Hours| {
        let year = if prepaid.endless { 0 } else { month.year() };
        let left = balances.entry(year).or_insert_with(|| prepaid.left(worked, period, month.year()));
        let before = *left;
        *left = left.minus(used);
        before
    };
    let mut months = Vec::new();
    for (month, worked) in late.map(|(month, worked)| (*month, *worked)) {
        let all = worked.elsewhere + worked.here;
        let balance = balance_of(month, prepaid.used_by(all).minus(prepaid.used_by(worked.elsewhere)));
        months.push(month_of_work(month, worked, balance, prepaid.monthly));
    }
    let remaining = balance_of(period, Hours::ZERO);
    // An earlier bill holds hours of this month only where an entry got a later date since.
    let balance = remaining.minus(this.elsewhere.without(prepaid.monthly));
    if !this.here.is_zero() || months.is_empty() {
        months.push(month_of_work(period, this, balance, prepaid.monthly));
    }
    (months, remaining.or_none())
}

/// First the allowance of the month, then the balance of the year (rule 26).
fn month_of_work(month: Period, worked: Worked, balance: Hours, monthly: Hours) -> WorkMonth {
    let beyond = |hours: Hours| hours.without(monthly);
    let to_pay = beyond(worked.elsewhere + worked.here).minus(beyond(worked.elsewhere)).or_none();
    let balance = balance.or_none();
    let prepaid_yearly = to_pay.min(balance);
    WorkMonth {
        month,
        hours: worked.here,
        billed_before: worked.elsewhere,
        prepaid_monthly: worked.here.minus(to_pay).or_none(),
        yearly_balance: balance,
        prepaid_yearly,
        billable: to_pay.minus(prepaid_yearly),
    }
}
