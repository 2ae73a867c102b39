//! Amounts that people and programs type: decimal, two places, never negative, as large as `numeric(10, 2)` (codex-api.md
//! §3.6).

use rust_decimal::Decimal;
use serde_json::Value;
use thiserror::Error;

/// Why something is no amount. The texts stand beside the field.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
pub enum BadAmount {
    /// No number at all.
    #[error("must be a number")]
    NoNumber,
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Does not fit.
    #[error("must be at most 99,999,999.99")]
    TooLarge,
    /// Something would be lost.
    #[error("must have at most two decimal places")]
    TooFine,
}

/// The largest amount.
fn largest() -> Decimal {
    Decimal::new(9_999_999_999, 2)
}

/// What binary fractions add to a typed amount; no real third place is as small.
fn noise() -> Decimal {
    Decimal::new(1, 7)
}

/// An amount from a form or a text.
///
/// # Errors
/// In words for the field.
pub fn parse(text: &str) -> Result<Decimal, BadAmount> {
    let text = text.trim();
    let signless = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = signless.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && signless.bytes().any(|byte| byte.is_ascii_digit());
    if plain {
        // More digits than any number type holds are too large, or too fine.
        let whole = signless.split('.').next().unwrap_or_default().trim_start_matches('0');
        if whole.len() > 8 {
            return Err(if text.starts_with('-') { BadAmount::Negative } else { BadAmount::TooLarge });
        }
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return Err(BadAmount::NoNumber);
    }
    let number = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text));
    check(number.map_err(|_| BadAmount::NoNumber)?)
}

/// An amount of a JSON document: a number, or a text that is one.
///
/// # Errors
/// In words for the field.
pub fn from_json(value: &Value) -> Result<Decimal, BadAmount> {
    match value {
        Value::Number(number) => match number.as_f64() {
            // Numbers beyond all decimals are read as such, not as no number.
            Some(float) if float.abs() >= 1e8 => {
                Err(if float < 0.0 { BadAmount::Negative } else { BadAmount::TooLarge })
            }
            _ => parse(&number.to_string()),
        },
        Value::String(text) => parse(text),
        _ => Err(BadAmount::NoNumber),
    }
}

fn check(number: Decimal) -> Result<Decimal, BadAmount> {
    let rounded = number.round_dp(2);
    if number.is_sign_negative() && !number.is_zero() {
        Err(BadAmount::Negative)
    } else if rounded > largest() {
        Err(BadAmount::TooLarge)
    } else if (number - rounded).abs() > noise() {
        Err(BadAmount::TooFine)
    } else {
        Ok(rounded.abs())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_have_two_places_and_an_upper_bound() {
        use BadAmount::{Negative, NoNumber, TooFine, TooLarge};
        for (text, expected) in [
            ("12", Ok("12")),
            (" 12.50 ", Ok("12.50")),
            ("0", Ok("0")),
            ("-0", Ok("0")),
            ("1e2", Ok("100")),
            ("0012.5", Ok("12.5")),
            ("99999999.99", Ok("99999999.99")),
            ("100000000", Err(TooLarge)),
            ("99999999.995", Err(TooLarge)),
            ("99999999999999999999999999999999999999999", Err(TooLarge)),
            ("12.505", Err(TooFine)),
            ("0.30000000000000004", Ok("0.30")),
            ("-0.01", Err(Negative)),
            ("-99999999999999999999999999999999999999999", Err(Negative)),
            ("", Err(NoNumber)),
            ("12,50", Err(NoNumber)),
            ("NaN", Err(NoNumber)),
            ("inf", Err(NoNumber)),
            ("$5", Err(NoNumber)),
            ("1_000", Err(NoNumber)),
        ] {
            let expected = expected.map(|amount: &str| amount.parse::<Decimal>().unwrap());
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn json_has_numbers_or_texts() {
        for (value, expected) in [
            (json!(199.98), Ok("199.98")),
            (json!(7), Ok("7")),
            (json!("7.5"), Ok("7.5")),
            (json!(0.1 + 0.2), Ok("0.3")),
            (json!(1e300), Err(BadAmount::TooLarge)),
            (json!(-1e300), Err(BadAmount::Negative)),
            (json!(1e-9), Ok("0")),
            (json!(true), Err(BadAmount::NoNumber)),
            (json!([1]), Err(BadAmount::NoNumber)),
        ] {
            let expected = expected.map(|amount: &str| amount.parse::<Decimal>().unwrap());
            assert_eq!(from_json(&value), expected, "{value}");
        }
    }
}
