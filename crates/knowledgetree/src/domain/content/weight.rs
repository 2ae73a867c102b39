//! Whether HTML can be parsed in a time that nobody notices. A parser that follows the standard repairs what is badly
//! nested, and the work of that grows with the square of what was left open; so this looks at the source before any
//! parser does.

use std::collections::HashMap;

/// Most tags of a text.
const MOST_TAGS: usize = 100_000;
/// Most elements that are open at once.
const DEEPEST: usize = 100;
/// Most words of a tag: its attributes are compared with each other.
const MOST_WORDS: usize = 1000;
/// Most elements that the parser opens again: each paragraph inside a `<b>` that nobody closed gets one of its own.
const MOST_REOPENED: usize = 1_000_000;

/// Elements without an end.
pub(super) const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements that end where the next of their kind begins, and nest only with others around them. Many writers leave their
/// end tags away.
const IMPLIED: &[&str] =
    &["p", "li", "dd", "dt", "td", "th", "tr", "thead", "tbody", "tfoot", "option", "colgroup"];

/// Elements that are opened again in the next block.
const FORMATTING: &[&str] =
    &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Looks once over `html`.
///
/// # Errors
/// What is too much of it, as the end of a sentence about the text.
pub(super) fn check(html: &str) -> Result<(), &'static str> {
    if longest_tag(html) > MOST_WORDS {
        return Err("has a tag with countless attributes");
    }
    // By name, since an end tag that ends nothing makes nothing less deep.
    let mut open: HashMap<String, usize> = HashMap::new();
    let (mut tags, mut depth, mut formatting, mut reopened) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let ends = rest.starts_with('/');
        let name: String = rest[usize::from(ends)..]
            .chars()
            .take(20)
            .take_while(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if name.is_empty() {
            continue;
        }
        tags += 1;
        reopened += formatting;
        let is_formatting = FORMATTING.contains(&name.as_str());
        if ends {
            if let Some(count) = open.get_mut(&name).filter(|count| **count > 0) {
                *count -= 1;
                depth -= 1;
                formatting -= usize::from(is_formatting);
            }
        } else if !VOID.contains(&name.as_str()) && !IMPLIED.contains(&name.as_str()) {
            *open.entry(name).or_default() += 1;
            depth += 1;
            formatting += usize::from(is_formatting);
        }
        if tags > MOST_TAGS {
            return Err("has more than 100,000 tags");
        }
        if depth > DEEPEST {
            return Err("nests more than 100 elements");
        }
        if reopened > MOST_REOPENED {
            return Err("has formatting without an end");
        }
    }
    Ok(())
}

/// The number of words in the tag that has most. Words in quotes count too, so that quotes hide nothing.
fn longest_tag(html: &str) -> usize {
    let (mut longest, mut words) = (0, 0);
    let mut inside = false;
    let mut quote = None;
    let mut after_equals = false;
    let mut before = b' ';
    for byte in html.bytes() {
        if !inside {
            inside = before == b'<' && byte.is_ascii_alphabetic();
            (words, quote, after_equals) = (0, None, false);
        } else {
            let is_space = byte.is_ascii_whitespace();
            // A quote ends an attribute as well as a space does.
            words += usize::from(is_space || matches!(byte, b'/' | b'"' | b'\''));
            longest = longest.max(words);
            match quote {
                Some(open) if byte == open => quote = None,
                Some(_) => {}
                None if after_equals && matches!(byte, b'"' | b'\'') => quote = Some(byte),
                None if byte == b'>' => inside = false,
                None => {}
            }
            after_equals = byte == b'=' || (after_equals && is_space);
        }
        before = byte;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_person_wrote_is_known_before_it_is_parsed() {
        let formatting: String = (0..200).map(|n| format!("<b title={n}>")).collect();
        for html in [
            "<div>".repeat(300),
            "<DIV></x>".repeat(300),
            "<b><i></b>".repeat(300),
            "<br>".repeat(100_001),
            "</p>".repeat(100_001),
            format!("{formatting}{}", "<p>x</p>".repeat(10_000)),
            format!("<a {}>", "x ".repeat(2000)),
            format!("<a x=\">\" {}>", "x=1 ".repeat(2000)),
            format!("<!-- <a x=\" --><b y=\"1\" {}>", "x ".repeat(2000)),
            format!("<a {}>", "x=''".repeat(2000)),
        ] {
            assert!(check(&html).is_err(), "{}", &html[..30]);
        }
    }

    #[test]
    fn large_and_usual_texts_pass() {
        for html in [
            "<p>a <b>b</b> <a href=\"x\">c</a></p>".repeat(10_000),
            format!("<table>{}</table>", "<tr><td>1</td><td>2</td></tr>".repeat(10_000)),
            "1 < 2 & 3 > 2 ".repeat(100_000),
            format!("<p title=\"{}\">x</p>", "word ".repeat(900)),
            "<ul><li>".repeat(90) + &"</li></ul>".repeat(90),
            "<p>a<li>b".repeat(10_000),
        ] {
            assert_eq!(check(&html), Ok(()), "{}", &html[..20]);
        }
    }
}
