//! Money and hours: exact decimals, bounded where they come in, so that nothing a bill does with them can overflow
//! (rule 41).

use std::{fmt, iter::Sum, ops::Add};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;
use thiserror::Error;

mod digits;

pub use digits::parse;

/// Why something is no amount. The texts stand beside the name of the field.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
pub enum BadNumber {
    /// No number at all.
    #[error("must be a number")]
    NoNumber,
    /// A part of a thing.
    #[error("must be a whole number")]
    NotWhole,
    /// Below zero where a credit makes no sense.
    #[error("must not be negative")]
    Negative,
    /// Beyond what a bill can hold.
    #[error("must be between -99,999,999.99 and 99,999,999.99")]
    TooLarge,
    /// More bytes than any backup, or an id or a year that is none.
    #[error("is out of range")]
    OutOfRange,
    /// Something would be lost.
    #[error("must have at most two decimal places")]
    TooFine,
}

/// The largest amount that may come in: what `numeric(10, 2)` holds.
fn largest() -> Decimal {
    Decimal::new(9_999_999_999, 2)
}

/// What binary fractions add to an amount; no real third place is as small.
fn noise() -> Decimal {
    Decimal::new(1, 7)
}

/// Money, two decimal places.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Money(Decimal);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// An amount that comes in. What binary fractions left behind the second place (0.1 + 0.2) is taken off.
    ///
    /// # Errors
    /// More than two decimal places, or beyond 99,999,999.99 either way.
    pub fn new(amount: Decimal) -> Result<Self, BadNumber> {
        let rounded = to_cents(amount);
        if rounded.abs() > largest() {
            Err(BadNumber::TooLarge)
        } else if (amount - rounded).abs() > noise() {
            Err(BadNumber::TooFine)
        } else {
            Ok(Self(rounded))
        }
    }

    /// An amount as the archive holds it, whatever its size.
    pub fn stored(amount: Decimal) -> Self {
        Self(to_cents(amount))
    }

    /// A rate: an amount that must not be negative.
    ///
    /// # Errors
    /// As [`Money::new`], or below zero.
    pub fn rate(amount: Decimal) -> Result<Self, BadNumber> {
        let money = Self::new(amount)?;
        if money.0.is_sign_negative() && !money.is_zero() { Err(BadNumber::Negative) } else { Ok(money) }
    }

    /// From cents.
    pub(super) fn from_cents(cents: i128) -> Self {
        Decimal::try_from_i128_with_scale(cents, 2).map_or(Self(Decimal::MAX), Self)
    }

    /// As a decimal number.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// In cents. All amounts have two places, so nothing is lost.
    pub(super) fn cents(self) -> i128 {
        let mut number = self.0;
        number.rescale(2);
        number.mantissa()
    }

    /// So many times the amount.
    pub(super) fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(Decimal::from(count)))
    }

    /// Hours at this rate: multiplied exactly, rounded once to cents, half away from zero (rule 41).
    pub(super) fn for_hours(self, hours: Hours) -> Self {
        let divisor = 10_i128.checked_pow(hours.0.scale());
        match (hours.0.mantissa().checked_mul(self.cents()), divisor) {
            (Some(product), Some(divisor)) => Self::from_cents(divide_half_up(product, divisor)),
            // More digits than any clock gives: the decimal's own multiplication keeps 28 of them.
            _ => Self(to_cents(hours.0.saturating_mul(self.0))),
        }
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Two decimal places, no sign and no separator: `1234.50`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        two_places(self.0, f)
    }
}

/// A JSON number with two decimal places; a text where [`super::texts`] writes (rule 42).
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json_number(self.to_string(), serializer)
    }
}

/// Hours of work, all digits kept.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Hours(Decimal);

impl Hours {
    /// None.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Hours that come in; corrections may be negative.
    ///
    /// # Errors
    /// Beyond 99,999,999.99 either way.
    pub fn new(hours: Decimal) -> Result<Self, BadNumber> {
        if hours.abs() > largest() { Err(BadNumber::TooLarge) } else { Ok(Self(hours)) }
    }

    /// Prepaid hours: two decimal places, not negative.
    ///
    /// # Errors
    /// As [`Money::rate`].
    pub fn prepaid(hours: Decimal) -> Result<Self, BadNumber> {
        Money::rate(hours).map(|hours| Self(hours.0))
    }

    /// As a decimal number.
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// Whether there are none.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// What is left of them without `taken`; never less than none.
    pub(super) fn without(self, taken: Self) -> Self {
        Self(self.0.saturating_sub(taken.0)).or_none()
    }

    /// The difference, which may be negative.
    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// None instead of less than none.
    pub(super) fn or_none(self) -> Self {
        self.max(Self::ZERO)
    }

    /// What is left of them without `held`, which the archive keeps with four decimal places. What that rounding leaves over is
    /// nothing.
    pub(super) fn without_held(self, held: Self) -> Self {
        let rest = self.without(held);
        if rest.0 < Decimal::new(1, 4) { Self::ZERO } else { rest }
    }

    /// With two decimal places, as invoices show them.
    pub fn two_places(self) -> impl fmt::Display {
        TwoPlaces(self.0)
    }
}

impl Add for Hours {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Hours {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// All digits that mean something: `2.5`.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json_number(self.to_string(), serializer)
    }
}

struct TwoPlaces(Decimal);

impl fmt::Display for TwoPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        two_places(self.0, f)
    }
}

fn two_places(number: Decimal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let rounded = to_cents(number);
    // A negative zero is no amount.
    let rounded = if rounded.is_zero() { Decimal::ZERO } else { rounded };
    write!(f, "{rounded:.2}")
}

/// Rounded half away from zero to two places, the only rounding there is (rule 41).
fn to_cents(number: Decimal) -> Decimal {
    let mut rounded = number.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    rounded
}

/// The quotient to the nearest whole number, half away from zero. The divisor is positive.
pub(super) fn divide_half_up(number: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (number / divisor, number % divisor);
    if rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) {
        quotient + number.signum()
    } else {
        quotient
    }
}

/// Writes a number into JSON with exactly these digits.
pub(crate) fn json_number<S: Serializer>(digits: String, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(digits).map_err(S::Error::custom)?.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        parse(text).unwrap()
    }

    #[test]
    fn money_has_two_places_and_bounds() {
        for (text, expected) in [
            ("12.5", Ok("12.50")),
            ("0.30000000000000004", Ok("0.30")),
            ("20.199999999999999", Ok("20.20")),
            ("-15.5", Ok("-15.50")),
            ("-0", Ok("0.00")),
            ("99999999.99", Ok("99999999.99")),
            ("100000000", Err(BadNumber::TooLarge)),
            ("12.505", Err(BadNumber::TooFine)),
        ] {
            let money = Money::new(decimal(text)).map(|money| money.to_string());
            assert_eq!(money, expected.map(str::to_owned), "{text}");
        }
        assert_eq!(Money::rate(decimal("-0.01")), Err(BadNumber::Negative));
    }

    #[test]
    fn a_charge_is_rounded_once_half_away_from_zero() {
        for (hours, rate, expected) in [
            ("0.75", "95.50", "71.63"),
            ("0.35", "98.30", "34.41"),
            ("1.9999999999999998", "90", "180.00"),
            ("-0.75", "95.50", "-71.63"),
            ("2.5", "101.70", "254.25"),
            ("0.0049999999999999999999999999", "1", "0.00"),
            ("12345678.1234567890123456789", "98765432.10", "1219326234430726.91"),
        ] {
            let charge = Money(decimal(rate)).for_hours(Hours(decimal(hours)));
            assert_eq!(charge.to_string(), expected, "{hours} x {rate}");
        }
    }
}
