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

/// A value inside a line of Markdown, that shows as it is. Line breaks become spaces; only what would otherwise be
/// markup is escaped, so that addresses, host names and `DOM\user` stay readable and searchable.
pub fn inline(value: &str) -> String {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ").replace('\0', "\u{fffd}");
    value.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A word without white space.
fn word(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len() + 8);
    let mut before = ' ';
    let mut letters = word.chars().peekable();
    // A bare address becomes a link, and in one nothing is escaped: should anything have to be, it is no address.
    let is_address = word.contains("://") || word.to_ascii_lowercase().contains("www.");
    let breaks = is_address && word.contains(['*', '`', '[', ']', '<', '|', '~', '_', '\\', '&']);
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
            ':' => breaks && after == '/',
            '.' => breaks && matches!(before, 'w' | 'W'),
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

/// A plain text as Markdown: its paragraphs and lines, white space inside a line as one space.
pub fn text(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len() + 16);
    let mut blank = false;
    for shown in text.lines() {
        let shown = inline(shown);
        if shown.is_empty() {
            blank = true;
            continue;
        }
        if blank && !markdown.is_empty() {
            markdown.push('\n');
        }
        blank = false;
        markdown.push_str(&line_start(&shown));
        markdown.push('\n');
    }
    markdown
}

/// A line of which the beginning is no heading, list, quote, rule, table or underline of a heading.
fn line_start(line: &str) -> Cow<'_, str> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let at = match line.as_bytes() {
        [b'#' | b'>' | b'+' | b'-' | b'=', ..] | [b':', b'-', ..] => 0,
        bytes
            if (1..=9).contains(&digits)
                && matches!(bytes.get(digits), Some(b'.' | b')'))
                && matches!(bytes.get(digits + 1), None | Some(b' ')) =>
        {
            digits
        }
        _ => return Cow::Borrowed(line),
    };
    Cow::Owned(format!("{}\\{}", &line[..at], &line[at..]))
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
            ("see https://acme.example/a_b", "see https\\://acme.example/a_b"),
            ("see https://acme.example/ab", "see https://acme.example/ab"),
            ("www.x.example/_y_", "www\\.x.example/\\_y\\_"),
        ] {
            assert_eq!(inline(value), written);
        }
    }

    #[test]
    fn plain_text_is_never_taken_for_markup() {
        for (plain, markdown) in [
            ("Hello\nWorld\n\n\nNext", "Hello\nWorld\n\nNext\n"),
            ("# no heading\n- no list\n1. no number", "\\# no heading\n\\- no list\n1\\. no number\n"),
            ("  10.0.0.1 is up", "10.0.0.1 is up\n"),
            ("", ""),
        ] {
            assert_eq!(text(plain), markdown);
        }
    }

    proptest! {
        #[test]
        fn a_value_shows_as_it_is(
            value in prop_oneof!["[ -~äß\u{a0}]{0,40}", "(https?://|www\\.|a@b\\.c|_|\\*|&|<|x|/|\\\\|:| ){0,12}"],
        ) {
            let article = format!("- **Value:** {}", inline(&value));
            let shown = value.split_whitespace().collect::<Vec<_>>().join(" ");
            let plain = plain_text(Format::Markdown, &article);
            let expected = format!("Value: {shown}");
            prop_assert_eq!(plain.trim_end(), expected.trim_end());
        }

        #[test]
        fn a_text_shows_as_it_is(
            value in prop_oneof!["[ -~\näß]{0,60}", "(\n|#|-|=|>|\\+|1\\.|\\||:-|`|~| |x|\\[a\\]: b|https://|_){0,20}"],
        ) {
            let shown = plain_text(Format::Markdown, &text(&value));
            let lines: Vec<String> = value
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .filter(|line| !line.is_empty())
                .collect();
            prop_assert_eq!(shown, lines.join("\n"));
        }
    }
}
