//! Where one HTTP/1.1 request ends and the next begins. Whoever reads this differently from another server can be made to
//! see requests that nobody sent (request smuggling), so what allows two readings is refused (RFC 9112 §6, §11.2).
//!
//! These rules are stricter than the HTTP library's, which mends some of the shapes silently.

mod chunked;
mod head;

use http::StatusCode;

use self::{
    chunked::Chunked,
    head::{Found, Head},
};

/// Longest request head in bytes; a session in twelve cookies fits.
pub const MAX_HEAD: usize = 64 * 1024;
/// Longest request target (path and query) in bytes.
pub const MAX_TARGET: usize = 16 * 1024;

/// Why a request is not read any further. The text is for the client.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It is no HTTP request.
    #[error("The request is malformed.")]
    Malformed,
    /// A line ends with LF alone.
    #[error("A line of the request does not end with CR LF.")]
    LineEnd,
    /// No host, several, or two that differ.
    #[error("The request must name exactly one host.")]
    Host,
    /// Not exactly one plain number.
    #[error("The length of the request must be given once, as a number.")]
    Length,
    /// Another coding than `chunked`, or one where there must be none.
    #[error("The transfer coding of the request must be \"chunked\" and nothing else.")]
    Coding,
    /// Both ways of saying where the body ends.
    #[error("The request gives a length and a transfer coding.")]
    LengthAndCoding,
    /// The chunks of the body are malformed.
    #[error("The body of the request is malformed.")]
    Body,
    /// The head is longer than [`MAX_HEAD`] or has too many headers.
    #[error("The headers of the request are too large.")]
    HeadTooLarge,
    /// The target is longer than [`MAX_TARGET`].
    #[error("The address of the request is too long.")]
    TargetTooLong,
    /// The client takes too long to send what it began.
    #[error("The request took too long to arrive.")]
    TooSlow,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// How far the bytes of a connection may be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passed {
    /// Bytes that may be read. What follows is the beginning of a head that is still incomplete, or refused.
    pub bytes: usize,
    /// Why nothing after these bytes may be read.
    pub refused: Option<Refusal>,
}

/// Follows the requests of one connection.
#[derive(Debug, Default)]
pub struct Framing(State);

#[derive(Debug)]
enum State {
    /// In a head, or before one.
    Head(Head),
    /// In a body of which so many bytes are left.
    Length(u64),
    /// In a body of chunks.
    Chunked(Chunked),
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Framing {
    /// Follows the next bytes. They must begin with those that the last call did not let pass.
    pub fn follow(&mut self, bytes: &[u8]) -> Passed {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let step = match &mut self.0 {
                State::Head(head) => match head.read(rest) {
                    Ok(Found::Nothing) => return Passed { bytes: at, refused: None },
                    Ok(Found::BlankLine(length)) => Ok((length, Some(State::default()))),
                    Ok(Found::Head(length)) => {
                        head::judge(&rest[..length]).map(|body| (length, Some(State::of(body))))
                    }
                    Err(refusal) => Err(refusal),
                },
                State::Length(left) => {
                    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= length as u64;
                    Ok((length, (*left == 0).then(State::default)))
                }
                State::Chunked(chunks) => {
                    chunks.read(rest).map(|(length, ended)| (length, ended.then(State::default)))
                }
            };
            match step {
                Ok((length, Some(next))) => {
                    at += length;
                    self.0 = next;
                }
                Ok((length, None)) => return Passed { bytes: at + length, refused: None },
                Err(refusal) => return Passed { bytes: at, refused: Some(refusal) },
            }
        }
    }
}

impl State {
    fn of(body: head::Body) -> Self {
        match body {
            head::Body::Length(0) => Self::default(),
            head::Body::Length(length) => Self::Length(length),
            head::Body::Chunked => Self::Chunked(Chunked::default()),
        }
    }
}

#[cfg(test)]
mod tests;
