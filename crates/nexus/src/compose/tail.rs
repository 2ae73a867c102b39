//! The end of a page's body. Between the body's start and its end nothing is inserted, so nothing there is parsed: bytes
//! pass as they are, and only what may be the end is kept back for a moment.

use bytes::{Bytes, BytesMut};

/// How an end tag of the body begins.
const END_TAG: &[u8] = b"</body";
/// Most bytes that may follow on the end tag's begin: the rest of it, the end of the document, white space and comments.
const LONGEST: usize = 1024;

/// Finds the place in front of the body's end tag while a page passes.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// What may be the end of the page: begins with [`END_TAG`], or with as much of it as has arrived.
    held: Bytes,
}

impl Tail {
    /// What can pass of a piece and of what was kept back before it.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        let data = if self.held.is_empty() {
            piece
        } else {
            let mut joined = BytesMut::with_capacity(self.held.len() + piece.len());
            joined.extend_from_slice(&self.held);
            joined.extend_from_slice(&piece);
            joined.freeze()
        };
        let end = possible_end(&data);
        self.held = data.slice(end..);
        data.slice(..end)
    }

    /// The rest of the page with `addition` at the end of its body: in front of the end tag, or behind everything where
    /// there is none or where more than the end of the document follows on it.
    pub fn finish(self, addition: &str) -> Bytes {
        let (before, after): (&[u8], &[u8]) =
            if is_end(&self.held) { (&[], &self.held) } else { (&self.held, &[]) };
        [before, addition.as_bytes(), after].concat().into()
    }
}

/// Where the end of the page may begin, if all of it has arrived or is about to; the length of the data if nowhere.
fn possible_end(data: &[u8]) -> usize {
    let start = data.len().saturating_sub(LONGEST);
    let last = data[start..].windows(END_TAG.len()).rposition(|bytes| bytes.eq_ignore_ascii_case(END_TAG));
    if let Some(found) = last {
        return start + found;
    }
    data.len() - begun(data)
}

/// How many of its last bytes may be the first ones of an end tag that goes on in the next piece.
fn begun(data: &[u8]) -> usize {
    let begins = |length: &usize| {
        let begin = data.len().checked_sub(*length).map(|at| &data[at..]);
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(&END_TAG[..*length]))
    };
    (1..END_TAG.len()).rev().find(begins).unwrap_or(0)
}

/// Moves bytes from the start of `next` to the end of `data`, as few as it takes for no tag to be cut between them: what is
/// kept back has to be joined with the next piece, which is copied for it.
pub(super) fn mend_cut(data: &mut Vec<u8>, next: &mut Bytes) {
    while !next.is_empty() && begun(data) > 0 {
        data.extend_from_slice(&next.split_to(1));
    }
}

/// Whether this is the body's end tag with nothing but the end of the document behind it. The same letters inside a
/// script or a comment have more behind them.
fn is_end(held: &[u8]) -> bool {
    let Some(mut rest) = end_tag(held, END_TAG) else { return false };
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return true;
        }
        let next = comment(rest).or_else(|| end_tag(rest, b"</html"));
        let Some(next) = next else { return false };
        rest = next;
    }
}

/// What follows an end tag that begins like this.
fn end_tag<'a>(text: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(begin.len())?;
    head.eq_ignore_ascii_case(begin).then(|| rest.trim_ascii_start().strip_prefix(b">"))?
}

fn comment(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"<!--")?;
    let end = rest.windows(3).position(|bytes| bytes == b"-->")?;
    Some(&rest[end + 3..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(page: &str, cut: usize) -> String {
        let mut tail = Tail::default();
        let mut out = Vec::new();
        for piece in [&page[..cut], &page[cut..]] {
            out.extend(tail.push(Bytes::copy_from_slice(piece.as_bytes())));
        }
        out.extend(tail.finish("+"));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_addition_stands_at_the_end_of_the_body_however_the_page_is_cut() {
        let long = format!("x</body>{}", " ".repeat(2 * LONGEST));
        for (page, expected) in [
            ("x</body></html>\n", "x+</body></html>\n"),
            ("x</BODY >\n</HTML >", "x+</BODY >\n</HTML >"),
            ("x</body>", "x+</body>"),
            (
                "x</body><!-- made by -- a tool --> </html> <!---->",
                "x+</body><!-- made by -- a tool --> </html> <!---->",
            ),
            ("x", "x+"),
            ("", "+"),
            ("x</html>", "x</html>+"),
            ("x</body", "x</body+"),
            ("x</bodyguard>", "x</bodyguard>+"),
            ("<script>s = \"</body>\"</script>", "<script>s = \"</body>\"</script>+"),
            ("<script>s = \"</body>\"</script></body>", "<script>s = \"</body>\"</script>+</body>"),
            ("<!-- </body> -->", "<!-- </body> -->+"),
            ("x</body><script></script></html>", "x</body><script></script></html>+"),
            ("x</body><!-- open", "x</body><!-- open+"),
            (long.as_str(), &format!("{long}+")),
        ] {
            for cut in 0..=page.len() {
                assert_eq!(all(page, cut), expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_not_the_end_passes_at_once_and_uncopied() {
        let piece = Bytes::from_static(b"<p>first</p>");
        let passed = Tail::default().push(piece.clone());
        assert_eq!((passed.as_ptr(), passed.len()), (piece.as_ptr(), piece.len()));
        let mut tail = Tail::default();
        assert_eq!(tail.push(Bytes::from_static(b"a</bo")), "a");
        assert_eq!(tail.push(Bytes::from_static(b"ld>b")), "</bold>b");
    }
}
