//! What is billed besides: exactly one kind per row and month (rules 35 to 38).

use super::{
    explain::{Behind, Line, LineKind, Quantity},
    inputs::LineItem,
    number::Money,
    period::Period,
    rates::Source,
    result::BilledLine,
};

/// What a row bills in a month: kind, fee, and the rule that says so.
///
/// A monthly fee hides everything else. A one-off of this month without a fee bills nothing and still blocks the yearly fee.
fn due(item: &LineItem, period: Period) -> Option<(&'static str, Money, u8)> {
    let this = period.to_string();
    let is_early = item.first_month.as_ref().is_some_and(|first| this < *first);
    if is_early || item.last_month.as_ref().is_some_and(|last| this > *last) {
        return None;
    }
    if let Some(fee) = item.monthly_fee {
        return Some(("Recurring", fee, 35));
    }
    let month = i64::from(period.month());
    if item.one_off_year == Some(i64::from(period.year())) && item.one_off_month == Some(month) {
        return item.one_off_fee.map(|fee| ("One-Off", fee, 36));
    }
    let fee = item.yearly_fee.filter(|_| item.yearly_bill_month == Some(month))?;
    Some(("Yearly", fee, 37))
}

/// The line items of a bill.
#[derive(Debug, Default)]
pub(super) struct Items<'a> {
    pub billed: Vec<BilledLine<'a>>,
    pub lines: Vec<Line<'a>>,
    pub total: Money,
}

/// Bills the rows in their order.
pub(super) fn bill(rows: &[LineItem], period: Period) -> Items<'_> {
    let mut items = Items::default();
    for row in rows {
        let Some((kind, fee, rule)) = due(row, period) else { continue };
        let name = row.name.as_deref().unwrap_or_default();
        items.total = items.total + fee;
        items.billed.push(BilledLine { name, billing_type: kind, cost: fee });
        items.lines.push(Line {
            kind: LineKind::Custom,
            rule,
            name,
            billing_type: kind,
            type_source: None,
            quantity: Quantity::Count(1),
            rate: fee,
            rate_name: None,
            rate_source: Source::CustomItem,
            amount: fee,
            behind: Behind::Item { line_item_id: row.id },
        });
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_kind_per_row_and_month() {
        let period = Period::new(2025, 6).unwrap();
        for (json, expected) in [
            (
                r#"{"monthly_fee": 10, "one_off_fee": 100, "one_off_year": 2025, "one_off_month": 6}"#,
                Some(("Recurring", "10.00")),
            ),
            (r#"{"monthly_fee": 0}"#, Some(("Recurring", "0.00"))),
            (r#"{"monthly_fee": -15.5}"#, Some(("Recurring", "-15.50"))),
            (r#"{"one_off_fee": 5, "one_off_year": "2025", "one_off_month": 6}"#, Some(("One-Off", "5.00"))),
            (r#"{"one_off_fee": 5, "one_off_year": 2024, "one_off_month": 6}"#, None),
            (
                r#"{"one_off_year": 2025, "one_off_month": 6, "yearly_fee": 400, "yearly_bill_month": 6}"#,
                None,
            ),
            (
                r#"{"one_off_fee": 5, "one_off_year": 2025, "one_off_month": 5, "yearly_fee": 12, "yearly_bill_month": 6}"#,
                Some(("Yearly", "12.00")),
            ),
            (r#"{"yearly_fee": 12, "yearly_bill_month": 7}"#, None),
            (r#"{"yearly_bill_month": 6}"#, None),
            ("{}", None),
        ] {
            let item: LineItem = serde_json::from_str(json).unwrap();
            let due = due(&item, period).map(|(kind, fee, _)| (kind, fee.to_string()));
            assert_eq!(due, expected.map(|(kind, fee)| (kind, fee.to_owned())), "{json}");
        }
    }
}
