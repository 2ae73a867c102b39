//! Amounts by month as columns, and hours against prepaid ones as bars, drawn on the server.

use hivematrix_shared::pages::format::shortened;
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive as _};

use super::parts::Currency;
use crate::domain::billing::Period;

/// Height of the tallest column.
const HEIGHT: i64 = 120;
/// From one column to the next.
const STEP: i64 = 44;
/// Width of a column.
pub const WIDTH: i64 = 26;
/// Room above the columns, for their amounts.
const HEAD: i64 = 18;
/// Room below, for the months.
const FOOT: i64 = 20;

/// A column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// `Jun`.
    pub label: String,
    /// `12.3k`.
    pub short: String,
    /// `June 2025: $12,345.00`.
    pub words: String,
    /// The month in an address.
    pub query: String,
    /// Left edge.
    pub left: i64,
    /// Middle, where its texts stand.
    pub middle: i64,
    /// Upper edge.
    pub top: i64,
    /// Height.
    pub height: i64,
}

/// Columns of months, in their order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Columns {
    /// The columns.
    pub columns: Vec<Column>,
    /// Width of the picture.
    pub width: i64,
    /// Its height.
    pub height: i64,
    /// Where the columns stand.
    pub ground: i64,
}

impl Columns {
    /// Draws these months; what is not positive has no height.
    pub fn of(months: &[(Period, Decimal)], currency: &Currency) -> Self {
        let tallest = months.iter().map(|(_, amount)| *amount).max().unwrap_or_default().max(Decimal::ONE);
        let columns = (0..).zip(months).map(|(place, (period, amount))| {
            let share =
                (*amount / tallest * Decimal::from(HEIGHT)).to_i64().unwrap_or_default().clamp(0, HEIGHT);
            Column {
                label: period.first_day().format("%b").to_string(),
                short: short(*amount),
                words: format!("{}: {}", super::parts::month_words(*period), currency.amount(*amount)),
                query: format!("year={}&month={}", period.year(), period.month()),
                left: place * STEP + (STEP - WIDTH) / 2,
                middle: place * STEP + STEP / 2,
                top: HEAD + HEIGHT - share,
                height: share,
            }
        });
        Self {
            columns: columns.collect(),
            width: STEP * i64::try_from(months.len()).unwrap_or_default(),
            height: HEAD + HEIGHT + FOOT,
            ground: HEAD + HEIGHT,
        }
    }
}

/// Clients in the chart of hours.
const CLIENTS: usize = 8;
/// From one client to the next.
const ROW: i64 = 26;
/// Length of the longest bar.
const LONGEST: i64 = 190;
/// Letters of a name that fit before a bar.
const NAME: usize = 18;

/// Hours of a client against what is prepaid.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Used {
    /// Name, as long as its place.
    pub label: String,
    /// `12.50 of 10.00 h, over`.
    pub value: String,
    /// Length of the bar of the hours worked.
    pub worked: i64,
    /// Length of what is prepaid.
    pub prepaid: i64,
    /// Upper edge.
    pub top: i64,
    /// Whether more was worked than is prepaid.
    pub is_over: bool,
}

impl Used {
    /// Where the text begins: behind the longer one of both.
    pub fn end(&self) -> i64 {
        self.worked.max(self.prepaid)
    }
}

/// Hours against what is prepaid, the most used first.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hours {
    /// The clients that fit.
    pub rows: Vec<Used>,
    /// Height of the picture.
    pub height: i64,
    /// The same in words.
    pub words: String,
    /// Clients that do not fit.
    pub more: usize,
}

impl Hours {
    /// Of clients with prepaid hours: name, hours worked, hours prepaid. Others are left out.
    pub fn of<'a>(clients: impl Iterator<Item = (&'a str, Decimal, Decimal)>) -> Self {
        let mut clients: Vec<_> = clients.filter(|(_, _, prepaid)| *prepaid > Decimal::ZERO).collect();
        // By the share that is used up: worked of the one against prepaid of the other spares a division.
        clients.sort_by(|a, b| (b.1 * a.2).cmp(&(a.1 * b.2)).then_with(|| a.0.cmp(b.0)));
        let more = clients.len().saturating_sub(CLIENTS);
        clients.truncate(CLIENTS);
        let most = clients.iter().map(|(_, worked, prepaid)| *worked.max(prepaid)).max();
        let most = most.unwrap_or_default().max(Decimal::ONE);
        let length = |hours: Decimal| (hours / most * Decimal::from(LONGEST)).to_i64().unwrap_or_default();
        let words = clients
            .iter()
            .map(|(name, worked, prepaid)| format!("{name}: {worked:.2} of {prepaid:.2} prepaid hours"));
        Self {
            words: words.collect::<Vec<_>>().join(", "),
            height: ROW * i64::try_from(clients.len()).unwrap_or_default(),
            rows: (0..)
                .zip(&clients)
                .map(|(place, (name, worked, prepaid))| Used {
                    label: shortened(name, NAME),
                    value: format!(
                        "{worked:.2} of {prepaid:.2} h{}",
                        if worked > prepaid { ", over" } else { "" }
                    ),
                    worked: length(*worked),
                    prepaid: length(*prepaid),
                    top: place * ROW,
                    is_over: worked > prepaid,
                })
                .collect(),
            more,
        }
    }
}

/// An amount in a few letters. Writing a decimal cuts digits off, so it is rounded before.
fn short(amount: Decimal) -> String {
    let thousand = Decimal::ONE_THOUSAND;
    let rounded = |amount: Decimal, places| {
        let rounded = amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
        format!("{rounded:.*}", places as usize)
    };
    if amount.is_zero() {
        "–".to_owned()
    } else if amount.abs() < thousand {
        rounded(amount, 0)
    } else if amount.abs() < thousand * thousand {
        format!("{}k", rounded(amount / thousand, 1))
    } else {
        format!("{}M", rounded(amount / thousand / thousand, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_above_their_columns() {
        for (cents, expected) in [(0, "–"), (49_950, "500"), (123_450, "1.2k"), (123_456_789, "1.2M")] {
            assert_eq!(short(Decimal::new(cents, 2)), expected);
        }
    }

    #[test]
    fn hours_stand_against_what_is_prepaid_the_most_used_first() {
        let hours = |text: &str| text.parse().unwrap();
        let clients = [("half", "5", "10"), ("none", "3", "0"), ("over", "30", "20"), ("idle", "0", "4")];
        let chart = Hours::of(
            clients.map(|(name, worked, prepaid)| (name, hours(worked), hours(prepaid))).into_iter(),
        );
        let rows: Vec<_> =
            chart.rows.iter().map(|row| (row.label.as_str(), row.worked, row.prepaid, row.is_over)).collect();
        assert_eq!(rows, [("over", 190, 126, true), ("half", 31, 63, false), ("idle", 0, 25, false)]);
        assert!(chart.words.starts_with("over: 30.00 of 20.00 prepaid hours, half:"));
    }
}
