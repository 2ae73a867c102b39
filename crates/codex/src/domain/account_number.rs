//! What can be the account number of a company: it is a part of addresses, and other services name files after it.

/// What stands where account numbers do.
const TAKEN: [&str; 3] = ["api", "bulk", "export.csv"];
/// Longest account number, in characters.
const LONGEST: usize = 50;

/// Whether a vendor's account number can be used as it is. Spaces and letters of any alphabet are fine; nothing that leads to
/// another place than it names.
pub fn is_usable(number: &str) -> bool {
    let fits = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
    !number.trim().is_empty()
        && number.chars().count() <= LONGEST
        && number.chars().all(fits)
        && !number.starts_with('.')
        && !TAKEN.contains(&number)
}

/// Whether a person may choose it: simpler, so that it can be typed and read out everywhere.
pub fn is_plain(number: &str) -> bool {
    is_usable(number)
        && number.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && number.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_leads_to_no_other_place() {
        for (number, usable, plain) in [
            ("100001", true, true),
            ("A-1_b.2", true, true),
            ("Müller 7", true, false),
            ("-1", true, false),
            ("a/b", false, false),
            ("..\\x", false, false),
            ("..", false, false),
            (".hidden", false, false),
            ("bulk", false, false),
            ("a\nb", false, false),
            (" ", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_usable(number), is_plain(number)), (usable, plain), "{number:?}");
        }
        assert!(is_usable(&"9".repeat(50)) && !is_usable(&"9".repeat(51)));
    }
}
