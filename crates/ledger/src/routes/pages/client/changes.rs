//! What a bill has become against the month before, and why.

use rust_decimal::Decimal;

use super::super::{
    lines::DifferenceRow,
    parts::{self, Currency, month_query, month_words, path_part},
};
use crate::domain::{
    archive::ArchivedInvoice,
    billing::Period,
    compare::{Difference, compare},
};

/// Lines of a list that are shown; the JSON has all.
const SHOWN: usize = 50;

/// Lines that changed alike.
pub struct ChangedLines {
    /// `Added`, `Removed` or `Changed`.
    pub title: &'static str,
    pub count: usize,
    pub sum: String,
    pub rows: Vec<DifferenceRow>,
}

impl ChangedLines {
    /// Lines that are not among those shown.
    pub fn more(&self) -> usize {
        self.count - self.rows.len()
    }
}

/// A bill against the month before.
pub struct Changes {
    /// That month in words.
    pub month: String,
    /// Address of its invoice below the prefix.
    pub invoice: String,
    pub before: String,
    pub after: String,
    pub change: String,
    /// Plan before and now, where it is another one.
    pub plan: Option<(String, String)>,
    /// Rate, before, now.
    pub rates: Vec<(String, String, String)>,
    pub lists: Vec<ChangedLines>,
    /// Address of the same as JSON below the prefix.
    pub json: String,
}

impl Changes {
    /// Of the archived month before and what the bill of `account_number` is now.
    pub fn of(
        account_number: &str,
        period: Period,
        before: &ArchivedInvoice,
        now: &ArchivedInvoice,
        currency: &Currency,
    ) -> Self {
        let found = compare(before, now);
        let plan = |invoice: &ArchivedInvoice| invoice.billing_plan.clone().unwrap_or_default();
        let rate = |name: &str, value: Decimal| {
            if name == "backup_included_tb" { format!("{value:.2} TB") } else { currency.amount(value) }
        };
        let lists = [("Added", found.added), ("Removed", found.removed), ("Changed", found.changed)].map(
            |(title, lines)| ChangedLines {
                title,
                count: lines.len(),
                sum: currency.change(lines.iter().map(Difference::change).sum()),
                rows: lines.iter().take(SHOWN).map(|line| DifferenceRow::of(line, currency)).collect(),
            },
        );
        Self {
            month: month_words(before.period()),
            invoice: format!("/archive/invoice/{}", path_part(&before.invoice_number)),
            before: currency.amount(before.total_amount),
            after: currency.amount(now.total_amount),
            change: currency.change(now.total_amount - before.total_amount),
            plan: (before.billing_plan != now.billing_plan).then(|| (plan(before), plan(now))),
            rates: found
                .rates
                .iter()
                .map(|change| {
                    let words = parts::title_of(change.name).replace(" Tb", " TB");
                    (words, rate(change.name, change.before), rate(change.name, change.after))
                })
                .collect(),
            lists: lists.into_iter().filter(|list| list.count > 0).collect(),
            json: format!("/api/billing/{}/changes?{}", path_part(account_number), month_query(period)),
        }
    }
}
