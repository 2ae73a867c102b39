//! An invoice or a credit note as PDF. Layout (`layout`) and file (`file`) are apart: the first says what stands where, which
//! tests look at, the second turns that into bytes. The same document gives the same bytes.

mod file;
mod font;
mod layout;
pub mod logo;
mod table;
mod text;

use serde::{Deserialize, Serialize};

use super::document::InvoiceDocument;

/// The sheet.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Paper {
    /// 210 by 297 mm.
    #[default]
    A4,
    /// 8.5 by 11 inches.
    Letter,
}

impl Paper {
    /// Width and height in points, of which 72 are an inch.
    const fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (595.28, 841.89),
            Self::Letter => (612.0, 792.0),
        }
    }
}

/// The file.
pub fn write(document: &InvoiceDocument<'_>, paper: Paper) -> Vec<u8> {
    file::write(document, paper, &layout::pages(document, paper))
}

#[cfg(test)]
mod tests;
