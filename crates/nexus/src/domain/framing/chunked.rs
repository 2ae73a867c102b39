//! A body in chunks (RFC 9112 §7.1): followed byte by byte to its end, kept as it is.

use super::Refusal;

/// A size of so many digits is more than any body can have.
const MAX_DIGITS: usize = 15;
/// Longest extension of one chunk: nobody here understands any.
const MAX_EXTENSION: usize = 256;
/// Bytes of all trailers together.
const MAX_TRAILERS: usize = 8 * 1024;

/// Where in the body the next byte is.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    place: Place,
    /// What is left of the current chunk.
    size: u64,
    /// Digits, bytes of the extension or of the trailers so far, whichever is being read.
    count: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Place {
    /// In the digits of a size.
    #[default]
    Size,
    /// Behind them, in an extension.
    Extension,
    /// Before the LF of the line with the size.
    SizeEnd,
    /// In the chunk.
    Data,
    /// Before the CR and LF that end it.
    DataEnd,
    DataEndLf,
    /// At the beginning of a trailer line, or of the empty line that ends the body.
    Line,
    /// In a trailer.
    Trailer,
    /// Before its LF.
    TrailerEnd,
    /// Before the last LF.
    End,
}

impl Chunked {
    /// Follows the body through `bytes`; returns how many of them belong to it and whether it has ended.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(usize, bool), Refusal> {
        let mut at = 0;
        while at < bytes.len() {
            if self.place == Place::Data {
                let length = usize::try_from(self.size).unwrap_or(usize::MAX).min(bytes.len() - at);
                self.size -= length as u64;
                at += length;
                if self.size == 0 {
                    self.place = Place::DataEnd;
                }
                continue;
            }
            let byte = bytes[at];
            at += 1;
            if self.place == Place::End {
                return if byte == b'\n' { Ok((at, true)) } else { Err(Refusal::Body) };
            }
            self.place = self.next(byte).ok_or(Refusal::Body)?;
        }
        Ok((at, false))
    }

    /// The place after `byte`; `None` when it must not stand here.
    fn next(&mut self, byte: u8) -> Option<Place> {
        match (self.place, byte) {
            (Place::Size, b'\r') if self.count > 0 => Some(Place::SizeEnd),
            (Place::Size, b';') if self.count > 0 => {
                self.count = 0;
                Some(Place::Extension)
            }
            (Place::Size, digit) => {
                self.size = (self.size << 4) | u64::from(char::from(digit).to_digit(16)?);
                self.one_more(MAX_DIGITS, Place::Size)
            }
            (Place::Extension, b'\r') => Some(Place::SizeEnd),
            (Place::Extension, byte) if is_text(byte) => self.one_more(MAX_EXTENSION, Place::Extension),
            (Place::SizeEnd, b'\n') => {
                self.count = 0;
                Some(if self.size == 0 { Place::Line } else { Place::Data })
            }
            (Place::DataEnd, b'\r') => Some(Place::DataEndLf),
            (Place::DataEndLf, b'\n') => Some(Place::Size),
            (Place::Line, b'\r') => Some(Place::End),
            // A line that goes on in the next one.
            (Place::Line, b' ' | b'\t') => None,
            (Place::Trailer, b'\r') => Some(Place::TrailerEnd),
            (Place::Line | Place::Trailer, byte) if is_text(byte) => {
                self.one_more(MAX_TRAILERS, Place::Trailer)
            }
            (Place::TrailerEnd, b'\n') => Some(Place::Line),
            _ => None,
        }
    }

    fn one_more(&mut self, most: usize, place: Place) -> Option<Place> {
        self.count += 1;
        (self.count <= most).then_some(place)
    }
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}
