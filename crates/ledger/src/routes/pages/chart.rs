//! Amounts by month as columns, drawn on the server.

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
    /// The same in words.
    pub words: String,
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
                left: place * STEP + (STEP - WIDTH) / 2,
                middle: place * STEP + STEP / 2,
                top: HEAD + HEIGHT - share,
                height: share,
            }
        });
        let words = months.iter().map(|(period, amount)| {
            format!("{}: {}", super::parts::month_words(*period), currency.amount(*amount))
        });
        Self {
            columns: columns.collect(),
            words: words.collect::<Vec<_>>().join(", "),
            width: STEP * i64::try_from(months.len()).unwrap_or_default(),
            height: HEAD + HEIGHT + FOOT,
            ground: HEAD + HEIGHT,
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
}
