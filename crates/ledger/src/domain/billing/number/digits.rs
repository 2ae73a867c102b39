//! Reading numbers from their digits.

use rust_decimal::Decimal;

use super::BadNumber;

/// The decimal number a text is, whatever the number of its digits: those behind the 28th place are rounded away.
///
/// # Errors
/// No number, or one beyond all amounts.
pub fn parse(text: &str) -> Result<Decimal, BadNumber> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(BadNumber::NoNumber);
    }
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !digits(exponent_digits) {
        return Err(BadNumber::NoNumber);
    }
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(Decimal::ZERO);
    }
    // Where the point stands behind the first digit that is not zero.
    let exponent =
        exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let leading = i64::try_from(all.len() - significant.len()).unwrap_or(i64::MAX);
    let point =
        i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent).saturating_sub(leading);
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let plain = match usize::try_from(point) {
        Ok(point) if point > 24 => return Err(BadNumber::TooLarge),
        Ok(point) if point >= significant.len() => format!("{sign}{significant:0<point$}"),
        Ok(point) => {
            let (whole, fraction) = significant.split_at(point);
            format!("{sign}0{whole}.{fraction}")
        }
        Err(_) if point < -30 => return Ok(Decimal::ZERO),
        Err(_) => {
            let zeros = usize::try_from(point.unsigned_abs()).unwrap_or_default();
            format!("{sign}0.{:0>zeros$}{significant}", "")
        }
    };
    plain.parse().map_err(|_| BadNumber::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_digit_by_digit() {
        for (text, expected) in [
            ("12.50", Ok("12.50")),
            ("-0.005", Ok("-0.005")),
            ("1e2", Ok("100")),
            ("1.5E-3", Ok("0.0015")),
            ("123.456e1", Ok("1234.56")),
            ("0.0000e5", Ok("0")),
            ("0.30000000000000004", Ok("0.30000000000000004")),
            ("1.66666666666666651864e-1", Ok("0.166666666666666651864")),
            ("1e-400", Ok("0")),
            ("1e-99999999999999999999", Ok("0")),
            ("1e300", Err(BadNumber::TooLarge)),
            ("-1e99999999999999999999", Err(BadNumber::TooLarge)),
            ("99999999999999999999999999999999", Err(BadNumber::TooLarge)),
            ("", Err(BadNumber::NoNumber)),
            (".", Err(BadNumber::NoNumber)),
            ("1_000", Err(BadNumber::NoNumber)),
            ("1,5", Err(BadNumber::NoNumber)),
            ("NaN", Err(BadNumber::NoNumber)),
            ("inf", Err(BadNumber::NoNumber)),
            ("1e", Err(BadNumber::NoNumber)),
            ("0x10", Err(BadNumber::NoNumber)),
        ] {
            assert_eq!(parse(text), expected.map(|number: &str| number.parse().unwrap()), "{text:?}");
        }
    }
}
