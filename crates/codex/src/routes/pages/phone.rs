//! Phone numbers that can be dialled from a page.

/// A `tel:` address (RFC 3966): digits and a leading plus are all that counts, an extension comes after them.
pub fn tel(number: &str) -> String {
    let lower = number.to_lowercase();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let split = lower.split_once(['x', 'e']).map(|(main, extension)| (main, digits(extension)));
    let (main, extension) = split
        .filter(|(main, extension)| !digits(main).is_empty() && !extension.is_empty())
        .map_or((lower.as_str(), String::new()), |(main, extension)| (main, format!(";ext={extension}")));
    let plus = if main.trim_start().starts_with('+') { "+" } else { "" };
    format!("tel:{plus}{}{extension}", digits(main))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dialled_with_their_extension() {
        for (number, expected) in [
            ("+1 555 8275 ext. 104", "tel:+15558275;ext=104"),
            ("(555) 827-5104", "tel:5558275104"),
            ("555 1234 x7", "tel:5551234;ext=7"),
            ("javascript:alert(1)", "tel:1"),
        ] {
            assert_eq!(tel(number), expected);
        }
    }
}
