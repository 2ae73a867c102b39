//! Texts inside HTML and Markdown.

use std::borrow::Cow;

/// Text for an element or an attribute of HTML, as a serializer of the standard writes it.
pub fn html(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\u{a0}']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{a0}' => escaped.push_str("&nbsp;"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// A value inside a line of Markdown, that shows as it is. Line breaks become spaces; only what would otherwise be markup is
/// escaped, so that addresses, host names and `DOM\user` stay readable and searchable.
pub fn inline(value: &str) -> String {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ").replace('\0', "\u{fffd}");
    let mut escaped = String::with_capacity(value.len() + 8);
    let mut before = ' ';
    let mut letters = value.chars().peekable();
    while let Some(c) = letters.next() {
        let after = letters.peek().copied().unwrap_or(' ');
        let is_markup = match c {
            '*' | '`' | '[' | ']' | '<' | '|' | '~' => true,
            // Inside a word it emphasises nothing.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            // A backslash means itself before anything but punctuation.
            '\\' => after.is_ascii_punctuation() || after == ' ',
            // The beginning of `&amp;` or `&#38;`.
            '&' => after == '#' || after.is_ascii_alphabetic(),
            // `![` begins a picture; the bracket is escaped anyway.
            _ => false,
        };
        if is_markup {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::content::{Format, plain_text};

    #[test]
    fn usual_values_stay_as_they_are() {
        for (value, written) in [
            ("DOM\\user1", "DOM\\user1"),
            ("jane_doe@acme.example", "jane_doe@acme.example"),
            ("192.0.2.1", "192.0.2.1"),
            ("Tilia & Söhne (GmbH)", "Tilia & Söhne (GmbH)"),
            ("+1-555-0101", "+1-555-0101"),
            ("a\n b", "a b"),
            ("<b>x</b>", "\\<b>x\\</b>"),
            ("&lt;", "\\&lt;"),
            ("*a* _b_ [c](d)", "\\*a\\* \\_b\\_ \\[c\\](d)"),
        ] {
            assert_eq!(inline(value), written);
        }
    }

    proptest! {
        #[test]
        fn a_value_shows_as_it_is(value in "[ -~äß\u{a0}]{0,40}") {
            let article = format!("- **Value:** {}", inline(&value));
            let shown = value.split_whitespace().collect::<Vec<_>>().join(" ");
            let plain = plain_text(Format::Markdown, &article);
            let expected = format!("Value: {shown}");
            prop_assert_eq!(plain.trim_end(), expected.trim_end());
        }
    }
}
