//! How a file is handed out, so that no browser takes it for a page of ours.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Kind;

/// `Content-Security-Policy` of a download: should a browser show it as a page after all, nothing in it acts.
pub const CSP: &str =
    "default-src 'none'; img-src 'self'; object-src 'self'; style-src 'unsafe-inline'; sandbox";

/// `attr-char` of RFC 5987.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `Content-Disposition` (RFC 6266): pictures, PDF and plain text are shown, all else is saved. The name comes in
/// ASCII and, where that is not the whole of it, in UTF-8 too.
pub fn content_disposition(kind: Option<Kind>, name: &str) -> String {
    let way = if kind.is_some_and(Kind::is_shown) { "inline" } else { "attachment" };
    let ascii: String = name
        .chars()
        .map(|c| if (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    if ascii == name {
        format!("{way}; filename=\"{ascii}\"")
    } else {
        format!("{way}; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTR_CHAR))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_is_harmless_is_shown() {
        for (name, disposition) in [
            ("a.png", "inline; filename=\"a.png\""),
            ("a.jpeg", "inline; filename=\"a.jpeg\""),
            ("a.pdf", "inline; filename=\"a.pdf\""),
            ("a.txt", "inline; filename=\"a.txt\""),
            ("a.xml", "attachment; filename=\"a.xml\""),
            ("a.md", "attachment; filename=\"a.md\""),
            ("a.docx", "attachment; filename=\"a.docx\""),
            ("a.html", "attachment; filename=\"a.html\""),
            ("ä\"b.png", "inline; filename=\"__b.png\"; filename*=UTF-8''%C3%A4%22b.png"),
            ("a\r\nX: y.txt", "inline; filename=\"a__X: y.txt\"; filename*=UTF-8''a%0D%0AX%3A%20y.txt"),
        ] {
            assert_eq!(content_disposition(Kind::of_name(name), name), disposition);
        }
    }

    proptest! {
        #[test]
        fn the_header_is_one_line_of_ascii(name in ".{0,40}") {
            let header = content_disposition(Kind::of_name(&name), &name);
            prop_assert!(header.bytes().all(|b| (0x20..0x7f).contains(&b)), "{}", header);
            prop_assert_eq!(header.matches('"').count(), 2);
        }
    }
}
