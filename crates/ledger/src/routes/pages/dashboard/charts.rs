//! What the charts of the dashboard show.

use hivematrix_shared::pages::chart::{Bars, Measures};
use indexmap::IndexMap;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use crate::{
    bills::overview::Row,
    domain::{billing::Period, charges::Charges},
    store::revenue,
};

/// How large the lying bars are.
const CHART: Measures = Measures { most: 7, step: 26, length: 190, label: 19 };
/// Months in the chart of revenue.
pub const MONTHS: i32 = 12;
/// The last months up to the one that is shown, whose total is that of the page.
pub fn months(rows: &[revenue::MonthRevenue], period: Period, total: Decimal) -> Vec<(Period, Decimal)> {
    let mut months = vec![(period, total)];
    let mut at = period;
    for _ in 1..MONTHS {
        let Some(before) = at.previous() else { break };
        at = before;
        let of_month = |row: &&revenue::MonthRevenue| {
            row.billing_year == at.year() && row.billing_month == at.month().cast_signed()
        };
        months.push((at, rows.iter().find(of_month).map(|row| row.revenue).unwrap_or_default()));
    }
    months.reverse();
    months
}

fn whole(amount: Decimal) -> i64 {
    amount.round().to_i64().unwrap_or(i64::MAX)
}

/// By kind of charge.
pub fn kinds(rows: &[Row]) -> Bars {
    let sum = |of: fn(&Charges) -> Decimal| whole(rows.iter().map(|row| of(&row.charges)).sum());
    let kinds = [
        ("Users", sum(|of| of.users)),
        ("Assets", sum(|of| of.assets)),
        ("Hours", sum(|of| of.hours)),
        ("Backup", sum(|of| of.backup)),
        ("Line items", sum(|of| of.items)),
    ];
    Bars::of(kinds.map(|(name, amount)| (name.to_owned(), amount)), CHART)
}

/// By plan.
pub fn plans(rows: &[Row]) -> Bars {
    let mut plans: IndexMap<&str, Decimal> = IndexMap::new();
    for row in rows {
        *plans.entry(&row.billing_plan).or_default() += row.total_bill;
    }
    Bars::of(plans.into_iter().map(|(plan, amount)| (plan.to_owned(), whole(amount))), CHART)
}
