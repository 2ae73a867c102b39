//! The head of a request: request line and headers.

use super::{MAX_HEAD, MAX_TARGET, Refusal};

/// As many as the HTTP library reads.
const MAX_HEADERS: usize = 100;

/// Looks for the end of a head. Remembers what it has looked at, so that a head in many small pieces costs no more.
#[derive(Debug, Default)]
pub(super) struct Head {
    looked_at: usize,
    /// Where the current line begins.
    line: usize,
}

/// What [`Head::read`] found.
pub(super) enum Found {
    /// No end yet.
    Nothing,
    /// An empty line before the request; it means nothing (RFC 9112 §2.2). So long is it.
    BlankLine(usize),
    /// A whole head of this length.
    Head(usize),
}

impl Head {
    /// Looks at `bytes`, which begin where the head begins.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Found, Refusal> {
        while let Some(end) = bytes[self.looked_at..].iter().position(|byte| *byte == b'\n') {
            let end = self.looked_at + end;
            if end == 0 || bytes[end - 1] != b'\r' {
                return Err(Refusal::LineEnd);
            }
            if end > MAX_HEAD {
                return Err(self.too_large());
            }
            let length = end + 1;
            if end - 1 == self.line {
                return Ok(if self.line == 0 { Found::BlankLine(length) } else { Found::Head(length) });
            }
            self.looked_at = length;
            self.line = length;
        }
        self.looked_at = bytes.len();
        if bytes.len() > MAX_HEAD { Err(self.too_large()) } else { Ok(Found::Nothing) }
    }

    /// In the first line, it is the target that is too long.
    fn too_large(&self) -> Refusal {
        if self.line == 0 { Refusal::TargetTooLong } else { Refusal::HeadTooLarge }
    }
}

/// Where the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Body {
    /// After so many bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
}

/// Judges a whole head.
pub(super) fn judge(head: &[u8]) -> Result<Body, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Refusal::Malformed),
    }
    if request.path.is_some_and(|target| target.len() > MAX_TARGET) {
        return Err(Refusal::TargetTooLong);
    }
    let (mut hosts, mut length, mut chunked) = (0, None, false);
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("host") {
            hosts += 1;
        } else if header.name.eq_ignore_ascii_case("content-length") {
            if length.replace(number(header.value).ok_or(Refusal::Length)?).is_some() {
                return Err(Refusal::Length);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::Coding);
            }
            chunked = true;
        }
    }
    let modern = request.version == Some(1);
    match (length, chunked) {
        _ if hosts > 1 || (modern && hosts == 0) => Err(Refusal::Host),
        (Some(_), true) => Err(Refusal::LengthAndCoding),
        (None, true) if !modern => Err(Refusal::Coding),
        (None, true) => Ok(Body::Chunked),
        (length, false) => Ok(Body::Length(length.unwrap_or(0))),
    }
}

/// Digits and nothing else: no sign, no list.
fn number(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
