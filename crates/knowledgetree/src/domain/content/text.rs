//! The words of articles.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::{
    escape,
    tokens::{self, Token},
};

/// Most characters of a summary.
pub const SUMMARY_CHARS: usize = 200;

/// Elements that separate lines.
pub(super) const BLOCKS: &[&str] = &[
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "figure",
    "figcaption",
    "caption",
    "hr",
    "br",
];

/// Elements that separate words.
const CELLS: &[&str] = &["td", "th"];

/// `summary` of the API: the first 200 characters of the raw content, `...` behind them if it is longer
/// (knowledgetree.md §5.2).
pub fn summary(content: &str) -> String {
    match content.char_indices().nth(SUMMARY_CHARS) {
        Some((end, _)) => format!("{}...", &content[..end]),
        None => content.to_owned(),
    }
}

/// The words of sanitised HTML: a line for each block, cells of a table apart by a space.
pub(super) fn of_html(html: &str) -> String {
    static LINES: LazyLock<HashSet<&str>> = LazyLock::new(|| BLOCKS.iter().copied().collect());
    let mut lines: Vec<String> = vec![String::new()];
    let mut in_pre = 0_usize;
    let end_line = |lines: &mut Vec<String>| {
        if lines.last().is_some_and(|line| !line.trim().is_empty()) {
            lines.push(String::new());
        }
    };
    for token in tokens::tokens(html) {
        match token {
            Token::Text(raw) => {
                let text = tokens::decode(raw);
                let mut parts = text.split('\n');
                let first = parts.next().unwrap_or_default();
                lines.last_mut().into_iter().for_each(|line| line.push_str(first));
                for part in parts {
                    if in_pre > 0 {
                        lines.push(part.to_owned());
                    } else {
                        lines.last_mut().into_iter().for_each(|line| {
                            line.push(' ');
                            line.push_str(part);
                        });
                    }
                }
            }
            Token::Start(tag) if CELLS.contains(&tag.name) => {
                lines.last_mut().into_iter().for_each(|line| line.push(' '));
            }
            Token::Start(tag) if LINES.contains(tag.name) => {
                in_pre += usize::from(tag.name == "pre");
                end_line(&mut lines);
            }
            Token::End { name, .. } if LINES.contains(name) => {
                in_pre = in_pre.saturating_sub(usize::from(name == "pre"));
                end_line(&mut lines);
            }
            Token::Start(_) | Token::End { .. } => {}
        }
    }
    let words = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// HTML that shows its own source.
pub(super) fn as_source(html: &str) -> String {
    format!("<pre>{}</pre>", escape::html(html))
}

/// Whether a vendor's text is HTML: it has an end tag, or a break, of an element that texts are made of. A plain text
/// with an address in angle brackets is none.
pub(super) fn looks_like_html(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let rest = &text[at + 1..];
        let name: String = rest
            .trim_start_matches('/')
            .chars()
            .take(12)
            .take_while(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        let ends = rest.starts_with('/');
        let inline = ["a", "b", "i", "u", "em", "strong", "span", "font", "td", "th", "body", "html"];
        let is_break = matches!(name.as_str(), "br" | "hr" | "img");
        let after = rest.trim_start_matches('/').get(name.len()..).unwrap_or_default();
        let well_ended = after.starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'));
        well_ended
            && (is_break || (ends && (BLOCKS.contains(&name.as_str()) || inline.contains(&name.as_str()))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_count_characters() {
        assert_eq!(summary("ä"), "ä");
        assert_eq!(summary(&"ä".repeat(200)), "ä".repeat(200));
        assert_eq!(summary(&"ä".repeat(201)), format!("{}...", "ä".repeat(200)));
        assert_eq!(summary("# raw **kept**"), "# raw **kept**");
    }

    #[test]
    fn blocks_are_lines_and_cells_are_words() {
        for (html, text) in [
            ("<h1>Title</h1><p>a <b>bo</b>ld\nline</p>", "Title\na bold line"),
            ("<ul><li>one</li><li>two<ul><li>three</li></ul></li></ul>", "one\ntwo\nthree"),
            ("<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></tbody></table>", "a b\nc"),
            ("<pre><code>x = 1\ny  = 2</code></pre>", "x = 1\ny = 2"),
            ("a<br>b &lt;c&gt; &amp;amp;", "a\nb <c> &amp;"),
            ("", ""),
        ] {
            assert_eq!(of_html(html), text, "{html}");
        }
    }

    #[test]
    fn html_is_told_from_text() {
        for (text, html) in [
            ("<p>hi</p>", true),
            ("a<br>b", true),
            ("a<br/>b", true),
            ("<DIV>x</DIV >", true),
            ("hi", false),
            ("from <jo@acme.example>", false),
            ("a < b </x>", false),
            ("</brown>", false),
            ("<p", false),
        ] {
            assert_eq!(looks_like_html(text), html, "{text}");
        }
    }
}
