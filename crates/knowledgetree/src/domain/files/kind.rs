//! The kinds of files that may be uploaded, and whether a file is what its name says.

use std::io::Cursor;

use super::text::decode_text;

/// A kind of file, by the ending of its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Plain text.
    Txt,
    /// PDF.
    Pdf,
    /// PNG.
    Png,
    /// JPEG, `.jpg`.
    Jpg,
    /// JPEG, `.jpeg`.
    Jpeg,
    /// GIF.
    Gif,
    /// Markdown.
    Md,
    /// Word up to 2003.
    Doc,
    /// Word.
    Docx,
    /// Excel up to 2003.
    Xls,
    /// Excel.
    Xlsx,
    /// Comma-separated values.
    Csv,
    /// JSON.
    Json,
    /// XML.
    Xml,
}

/// A file that is not what its name says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("The content of the file is not of the type .{}.", .0.ending())]
pub struct ContentMismatch(pub Kind);

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";
const GIF87: &[u8] = b"GIF87a";
const GIF89: &[u8] = b"GIF89a";
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const ZIP: &[u8] = b"PK\x03\x04";

/// What begins with one of these is no text, though each of its bytes may stand for a letter.
const SIGNATURES: &[&[u8]] = &[PNG, JPEG, GIF87, GIF89, OLE, ZIP];

/// Most parts of a document whose list is read.
const MOST_PARTS: usize = 20_000;

const ALL: &[(&str, Kind, &str)] = &[
    ("txt", Kind::Txt, "text/plain; charset=utf-8"),
    ("pdf", Kind::Pdf, "application/pdf"),
    ("png", Kind::Png, "image/png"),
    ("jpg", Kind::Jpg, "image/jpeg"),
    ("jpeg", Kind::Jpeg, "image/jpeg"),
    ("gif", Kind::Gif, "image/gif"),
    ("md", Kind::Md, "text/markdown; charset=utf-8"),
    ("doc", Kind::Doc, "application/msword"),
    ("docx", Kind::Docx, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", Kind::Xls, "application/vnd.ms-excel"),
    ("xlsx", Kind::Xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("csv", Kind::Csv, "text/csv; charset=utf-8"),
    ("json", Kind::Json, "application/json"),
    ("xml", Kind::Xml, "application/xml"),
];

impl Kind {
    /// The kind of a name's ending, in any case; none when files of that kind are not taken.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        ALL.iter().find(|(known, ..)| ending.eq_ignore_ascii_case(known)).map(|(_, kind, _)| *kind)
    }

    fn row(self) -> (&'static str, &'static str) {
        ALL.iter()
            .find(|(_, kind, _)| *kind == self)
            .map_or(("bin", "application/octet-stream"), |(ending, _, content_type)| (*ending, *content_type))
    }

    /// The ending in lower case, without the dot.
    pub fn ending(self) -> &'static str {
        self.row().0
    }

    /// `Content-Type`.
    pub fn content_type(self) -> &'static str {
        self.row().1
    }

    /// Whether browsers may show it in place (knowledgetree.md §7).
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Png | Self::Jpg | Self::Jpeg | Self::Gif | Self::Pdf | Self::Txt)
    }

    /// Whether it is text.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Txt | Self::Md | Self::Csv | Self::Json | Self::Xml)
    }

    /// Whether a file is what its name says: by the signs that each format begins with, for documents of Office also
    /// by the parts they must have, for texts by being text. An archive that was renamed to a picture is neither.
    ///
    /// # Errors
    /// [`ContentMismatch`]; an empty file is a text only.
    pub fn check(self, bytes: &[u8]) -> Result<(), ContentMismatch> {
        let fits = match self {
            Self::Pdf => bytes[..bytes.len().min(1024)].windows(5).any(|part| part == b"%PDF-"),
            Self::Png => bytes.starts_with(PNG),
            Self::Jpg | Self::Jpeg => bytes.starts_with(JPEG),
            Self::Gif => bytes.starts_with(GIF87) || bytes.starts_with(GIF89),
            Self::Doc | Self::Xls => bytes.starts_with(OLE),
            Self::Docx => has_part(bytes, "word/document.xml"),
            Self::Xlsx => has_part(bytes, "xl/workbook.xml"),
            Self::Txt | Self::Md | Self::Csv | Self::Json | Self::Xml => {
                !SIGNATURES.iter().any(|signature| bytes.starts_with(signature))
                    && decode_text(bytes).is_some()
            }
        };
        if fits { Ok(()) } else { Err(ContentMismatch(self)) }
    }
}

/// Whether these are the bytes of a document of Office with that part. Only its list of parts is read.
fn has_part(bytes: &[u8], part: &str) -> bool {
    if !bytes.starts_with(ZIP) {
        return false;
    }
    zip::ZipArchive::new(Cursor::new(bytes)).is_ok_and(|archive| {
        archive.len() <= MOST_PARTS
            && archive.index_for_name("[Content_Types].xml").is_some()
            && archive.index_for_name(part).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::files::text::tests::zip_of;

    #[test]
    fn the_endings_of_the_contract_and_no_others() {
        for ending in [
            "txt", "pdf", "png", "jpg", "jpeg", "gif", "md", "doc", "docx", "xls", "xlsx", "csv", "json",
            "xml",
        ] {
            let kind = Kind::of_name(&format!("a.b.{}", ending.to_uppercase())).unwrap();
            assert_eq!(kind.ending(), ending);
            assert!(kind.content_type().contains('/'));
        }
        for name in ["a", "a.exe", "a.html", "a.svg", "a.zip", "txt", "a.png.exe", "a.", ""] {
            assert_eq!(Kind::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_file_is_what_its_name_says() {
        let docx = zip_of(&[("[Content_Types].xml", "<x/>"), ("word/document.xml", "<x/>")]);
        let xlsx = zip_of(&[("[Content_Types].xml", "<x/>"), ("xl/workbook.xml", "<x/>")]);
        let archive = zip_of(&[("a.txt", "x")]);
        let files: [(&str, &[u8], &[&str]); 13] = [
            ("png", b"\x89PNG\r\n\x1a\nrest", &["png"]),
            ("jpg", b"\xff\xd8\xff\xe0rest", &["jpg", "jpeg"]),
            ("gif", b"GIF89arest", &["gif"]),
            ("pdf", b"\n%PDF-1.7\n\xff\xfe\x00\x01", &["pdf"]),
            ("ole", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", &["doc", "xls"]),
            ("docx", &docx, &["docx"]),
            ("xlsx", &xlsx, &["xlsx"]),
            ("zip", &archive, &[]),
            ("text", "a ä €\r\n\t".as_bytes(), &["txt", "md", "csv", "json", "xml"]),
            ("empty", b"", &["txt", "md", "csv", "json", "xml"]),
            ("program", b"MZ\x90\x00\x03\x00\x00\x00", &[]),
            ("cut zip", b"PK\x03\x04", &[]),
            ("windows text", b"Gr\xfc\xdfe\r\n", &["txt", "md", "csv", "json", "xml"]),
        ];
        for (what, bytes, kinds) in files {
            for (ending, kind, _) in ALL {
                assert_eq!(kind.check(bytes).is_ok(), kinds.contains(ending), "{what} as .{ending}");
            }
        }
    }
}
