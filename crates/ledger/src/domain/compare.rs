//! What differs between two invoices: line by line, and kind by kind.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    archive::{ArchivedInvoice, ArchivedLine},
    billing::rates::RATES,
};

/// A line that is not the same in both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// `user`, `asset`, `backup`, `ticket` or `custom`.
    pub line_type: String,
    /// Of whom or what.
    pub name: String,
    /// Amount in the first one; nothing where it is not there.
    pub before: Option<Decimal>,
    /// Amount in the second one; nothing where it is not there.
    pub after: Option<Decimal>,
}

impl Difference {
    /// What the second one has more.
    pub fn change(&self) -> Decimal {
        self.after.unwrap_or_default() - self.before.unwrap_or_default()
    }
}

/// The lines that differ, in the order of kind and name. Lines of one kind and name are matched by their amounts first, so that
/// two devices of one name are no difference.
pub fn differences(before: &[ArchivedLine], after: &[ArchivedLine]) -> Vec<Difference> {
    type Amounts = (Vec<Decimal>, Vec<Decimal>);
    let mut by_name: BTreeMap<(&str, &str), Amounts> = BTreeMap::new();
    for line in before {
        by_name.entry((&line.line_type, &line.item_name)).or_default().0.push(line.amount);
    }
    for line in after {
        by_name.entry((&line.line_type, &line.item_name)).or_default().1.push(line.amount);
    }
    let mut found = Vec::new();
    for ((line_type, name), (mut before, mut after)) in by_name {
        before.retain(|amount| match after.iter().position(|other| other == amount) {
            Some(place) => {
                after.remove(place);
                false
            }
            None => true,
        });
        let rows = before.len().max(after.len());
        found.extend((0..rows).map(|place| Difference {
            line_type: line_type.to_owned(),
            name: name.to_owned(),
            before: before.get(place).copied(),
            after: after.get(place).copied(),
        }));
    }
    found
}

/// Kinds of lines, in the order of the invoice.
pub const KINDS: [&str; 5] = ["user", "asset", "backup", "ticket", "custom"];

/// Two archived invoices of a company side by side.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Comparison {
    /// Kind, sum in the first one, sum in the second one; kinds that are in neither are left out.
    pub kinds: Vec<(&'static str, Decimal, Decimal)>,
    /// Only in the second one.
    pub added: Vec<Difference>,
    /// Only in the first one.
    pub removed: Vec<Difference>,
    /// In both, for another amount.
    pub changed: Vec<Difference>,
    /// Rates that are not the same, as far as both bills say theirs.
    pub rates: Vec<RateChange>,
}

/// A rate that is not the same in both bills.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RateChange {
    /// Its column, such as `per_user_cost`.
    pub name: &'static str,
    /// In the first one.
    pub before: Decimal,
    /// In the second one.
    pub after: Decimal,
}

/// Rates that differ between two bills, which are kept as JSON texts.
fn rate_changes(first: &str, second: &str) -> Vec<RateChange> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (first, second) = (read(first), read(second));
    // Numbers, or their texts.
    let rate = |data: &Value, name: &str| {
        let value = &data["effective_rates"][name];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse().or_else(|_| Decimal::from_scientific(&text)).ok()
    };
    let changes = RATES.iter().filter_map(|column| {
        let (before, after): (Decimal, Decimal) =
            rate(&first, column.name).zip(rate(&second, column.name))?;
        (before != after).then_some(RateChange { name: column.name, before, after })
    });
    changes.collect()
}

/// Compares two invoices.
pub fn compare(first: &ArchivedInvoice, second: &ArchivedInvoice) -> Comparison {
    let sum = |invoice: &ArchivedInvoice, kind: &str| -> Option<Decimal> {
        let of_kind: Vec<Decimal> =
            invoice.line_items.iter().filter(|line| line.line_type == kind).map(|line| line.amount).collect();
        (!of_kind.is_empty()).then(|| of_kind.into_iter().sum())
    };
    let kinds = KINDS.into_iter().filter_map(|kind| match (sum(first, kind), sum(second, kind)) {
        (None, None) => None,
        (before, after) => Some((kind, before.unwrap_or_default(), after.unwrap_or_default())),
    });
    let mut found = Comparison {
        kinds: kinds.collect(),
        added: Vec::new(),
        removed: Vec::new(),
        changed: Vec::new(),
        rates: rate_changes(&first.billing_data_json, &second.billing_data_json),
    };
    for line in differences(&first.line_items, &second.line_items) {
        let list = match (line.before, line.after) {
            (None, _) => &mut found.added,
            (_, None) => &mut found.removed,
            _ => &mut found.changed,
        };
        list.push(line);
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One thing at a price.
    pub fn line(line_type: &str, name: &str, cents: i64) -> ArchivedLine {
        let amount = Decimal::new(cents, 2);
        ArchivedLine {
            line_type: line_type.to_owned(),
            item_name: name.to_owned(),
            description: None,
            quantity: Decimal::ONE,
            rate: amount,
            amount,
        }
    }

    #[test]
    fn what_came_went_and_changed_is_told_and_nothing_else() {
        let before = [
            line("asset", "PC", 1800),
            line("asset", "PC", 1800),
            line("user", "Ada", 1250),
            line("user", "Bob", 1250),
        ];
        let after = [
            line("asset", "PC", 2000),
            line("user", "Cy", 1250),
            line("asset", "PC", 1800),
            line("user", "Ada", 1250),
        ];
        let told: Vec<(String, i64)> = differences(&before, &after)
            .into_iter()
            .map(|found| (found.name.clone(), (found.change() * Decimal::ONE_HUNDRED).try_into().unwrap()))
            .collect();
        assert_eq!(told, [("PC".to_owned(), 200), ("Bob".to_owned(), -1250), ("Cy".to_owned(), 1250)]);
        assert_eq!(differences(&before, &before), []);
    }
}
