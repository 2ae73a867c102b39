//! Backed-up volume, exact: a byte is 2^-40 TB, which has forty decimal places, more than any decimal type holds. So volume is
//! kept as a whole number of hundredths of bytes; allowances have two decimal places.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::number::{Money, divide_half_up, json_number};

/// Hundredths of bytes in a TB (rule 29).
const ONE: i128 = 100 << 40;

/// A volume of data.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Terabytes(i128);

impl Terabytes {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many bytes (rule 29).
    pub fn from_bytes(bytes: i128) -> Self {
        Self(bytes.saturating_mul(100))
    }

    /// So many times an allowance, in TB with two decimal places (rule 32).
    pub(super) fn allowance(devices: u32, each: Decimal) -> Self {
        let mut hundredths = each;
        hundredths.rescale(2);
        let hundredths = i128::from(devices).saturating_mul(hundredths.mantissa());
        Self(hundredths.saturating_mul(ONE / 100))
    }

    /// What is beyond `allowance` (rule 33).
    pub(super) fn beyond(self, allowance: Self) -> Self {
        Self(self.0.saturating_sub(allowance.0).max(0))
    }

    /// At a rate per TB: multiplied exactly, rounded once to cents, half away from zero (rule 41).
    pub(super) fn at(self, rate: Money) -> Money {
        Money::from_cents(divide_half_up(self.0.saturating_mul(rate.cents()), ONE))
    }

    /// Whether there is none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// With two decimal places, as invoices show it.
    pub fn two_places(self) -> impl fmt::Display {
        Money::from_cents(divide_half_up(self.0, ONE / 100))
    }
}

/// All digits: `2.499999999998181010596454143524169921875`.
impl fmt::Display for Terabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = ONE.unsigned_abs();
        let mut rest = self.0.unsigned_abs();
        write!(f, "{}{}", if self.0 < 0 { "-" } else { "" }, rest / one)?;
        rest %= one;
        if rest > 0 {
            f.write_str(".")?;
        }
        // Ends: the only prime factors of the divisor are those of ten.
        while rest > 0 {
            rest *= 10;
            write!(f, "{}", rest / one)?;
            rest %= one;
        }
        Ok(())
    }
}

impl Serialize for Terabytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json_number(self.to_string(), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_of_a_volume_is_written() {
        for (bytes, expected) in [
            (0, "0"),
            (1_099_511_627_776, "1"),
            (1_649_267_441_664, "1.5"),
            (1_429_365_116_108, "1.29999999999927240423858165740966796875"),
            (1, "0.0000000000009094947017729282379150390625"),
            (-549_755_813_888, "-0.5"),
        ] {
            assert_eq!(Terabytes::from_bytes(bytes).to_string(), expected);
        }
    }

    #[test]
    fn an_overage_is_charged_to_the_exact_cent() {
        // Example H: just under 36.925.
        let overage =
            Terabytes::from_bytes(7_696_581_394_430).beyond(Terabytes::allowance(3, Decimal::new(15, 1)));
        assert_eq!(overage.to_string(), "2.499999999998181010596454143524169921875");
        assert_eq!(overage.at(Money::from_cents(1477)).to_string(), "36.92");
        assert_eq!(overage.two_places().to_string(), "2.50");
        // Example G: exactly half a cent.
        let overage = Terabytes::from_bytes(3 << 40).beyond(Terabytes::allowance(1, Decimal::new(150, 2)));
        assert_eq!(overage.at(Money::from_cents(1535)).to_string(), "23.03");
    }
}
