//! The words in files, for the search.
//!
//! Files come from anybody, so all of it is bounded: what is unpacked, what is kept, and how deep anything goes.
//! Reading a PDF can still take long or much memory where the file was made for it; callers run [`extract`] in a
//! process of its own with limits, beside the service, for [`Kind::Pdf`].

mod office;
mod pdf;

use std::borrow::Cow;

use super::Kind;

/// Most bytes of text that are kept of a file.
pub const MAX_TEXT: usize = 512 * 1024;

/// The words of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Extracted {
    /// Text in lines.
    pub text: String,
    /// Whether there was more.
    pub cut: bool,
}

/// Why a file has no words.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExtractError {
    /// There is no reader for this kind: pictures, and documents of Office up to 2003.
    #[error("Files of the type .{0} are not read.")]
    NoReader(&'static str),
    /// It cannot be read, or is protected.
    #[error("The file cannot be read: {0}")]
    Unreadable(String),
    /// It unpacks to more than anybody stores.
    #[error("The file unpacks to more than can be read.")]
    TooLarge,
}

/// The words of a file of that kind.
///
/// # Errors
/// [`ExtractError`]; never a panic, whatever the bytes are.
pub fn extract(kind: Kind, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    match kind {
        Kind::Txt | Kind::Md | Kind::Csv | Kind::Json | Kind::Xml => {
            let mut text = Collected::default();
            let shown =
                decode_text(bytes).ok_or_else(|| ExtractError::Unreadable("it is no text".to_owned()))?;
            text.push(&shown);
            Ok(text.finish())
        }
        Kind::Docx => office::document(bytes),
        Kind::Xlsx => office::workbook(bytes),
        Kind::Pdf => pdf::text(bytes),
        Kind::Png | Kind::Jpg | Kind::Jpeg | Kind::Gif | Kind::Doc | Kind::Xls => {
            Err(ExtractError::NoReader(kind.ending()))
        }
    }
}

/// The text of a file: UTF-8, UTF-16 with its mark, else the encoding of Windows in the West; none for anything with
/// control characters that no text has.
pub fn decode_text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, mark)) => {
            encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..])?
        }
        None => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
        },
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1a' | '\u{85}');
    text.chars().all(is_text).then_some(text)
}

/// Text as it is found, up to [`MAX_TEXT`].
#[derive(Default)]
struct Collected {
    text: String,
    cut: bool,
}

impl Collected {
    fn push(&mut self, text: &str) {
        let room = MAX_TEXT - self.text.len();
        if text.len() > room {
            self.text.push_str(&text[..text.floor_char_boundary(room)]);
            self.cut = true;
        } else {
            self.text.push_str(text);
        }
    }

    fn is_full(&self) -> bool {
        self.cut
    }

    /// NUL is in no text that a database takes.
    fn finish(self) -> Extracted {
        let text = if self.text.contains('\0') { self.text.replace('\0', " ") } else { self.text };
        Extracted { text, cut: self.cut }
    }
}

#[cfg(test)]
pub(in crate::domain) mod tests;
