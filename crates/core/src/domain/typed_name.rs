//! What may be written down of a name that somebody typed into the sign-in form and that no account has. It may be anything:
//! people type their password there.

/// Stands for what does not look like a name.
pub const WITHHELD: &str = "[withheld]";

/// Longest login name that is taken for one.
const LONGEST_NAME: usize = 40;
/// Longest address (RFC 5321).
const LONGEST_ADDRESS: usize = 254;

/// What was typed, if it looks like a login name or an e-mail address, else [`WITHHELD`].
pub fn shown(typed: &str) -> &str {
    let typed = typed.trim();
    if is_name(typed) || is_address(typed) { typed } else { WITHHELD }
}

/// A letter, then letters, figures, dots and dashes; not capitals and figures together, as only passwords have them.
fn is_name(typed: &str) -> bool {
    let mut letters = typed.chars();
    letters.next().is_some_and(char::is_alphabetic)
        && letters.all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && typed.chars().count() <= LONGEST_NAME
        && !(typed.contains(char::is_uppercase) && typed.contains(char::is_numeric))
}

/// One `@` between a mailbox and a domain of several parts, the last of letters.
fn is_address(typed: &str) -> bool {
    let Some((mailbox, domain)) = typed.split_once('@') else { return false };
    let is_mailbox = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '\'');
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    typed.len() <= LONGEST_ADDRESS
        && !mailbox.is_empty()
        && mailbox.chars().all(is_mailbox)
        && domain.split('.').all(is_label)
        && domain
            .rsplit_once('.')
            .is_some_and(|(_, last)| last.len() > 1 && last.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_shown_and_nothing_else() {
        for name in [
            "tech",
            " Ada ",
            "ada.lovelace",
            "u-nobody-here",
            "empl0yee7",
            "müller",
            "a+b@msp.example",
            "O'Hara@x.co.uk",
        ] {
            assert_eq!(shown(name), name.trim(), "{name}");
        }
        for anything in [
            "",
            "Summer2025",
            "P@ssw0rd",
            "p@ss.w0rd1",
            "correct horse",
            "7hunter7",
            "secret!",
            "a@b@c.example",
            "a@localhost",
            "tech\nroot",
            "tech\u{1b}[31m",
            "<script>",
            &"x".repeat(41),
            &format!("{}@msp.example", "x".repeat(250)),
        ] {
            assert_eq!(shown(anything), WITHHELD, "{anything}");
        }
    }
}
