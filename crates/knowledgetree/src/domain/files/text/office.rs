//! Documents and workbooks of Office: archives of XML.

use std::io::{BufReader, Cursor, Read};

use quick_xml::{Reader, events::Event};
use zip::{ZipArchive, read::ZipFile};

use super::{Collected, ExtractError, Extracted};

/// Most bytes that a part of a document unpacks to.
const MAX_PART: u64 = 12 * 1024 * 1024;
/// Most bytes that all parts unpack to.
const MAX_ALL: u64 = 48 * 1024 * 1024;
/// Most sheets of a workbook.
const MOST_SHEETS: usize = 200;
/// Most texts that cells share.
const MOST_SHARED: usize = 200_000;
/// Longest piece of XML between two tags or inside one: it is held in memory.
const MAX_EVENT: usize = 1024 * 1024;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The words of a `.docx`: a line for each paragraph.
pub(super) fn document(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let mut archive = open(bytes)?;
    let mut left = MAX_ALL;
    let mut text = Collected::default();
    for part in ["word/document.xml", "word/footnotes.xml", "word/endnotes.xml", "word/comments.xml"] {
        if part != "word/document.xml" && archive.index_for_name(part).is_none() {
            continue;
        }
        let mut in_text = false;
        let whole = each_event(&mut archive, part, &mut left, |piece| {
            match piece {
                Piece::Start("w:t") => in_text = true,
                Piece::End("w:t") => in_text = false,
                Piece::Start("w:tab") => text.push("\t"),
                Piece::End("w:p") | Piece::Start("w:br") => text.push("\n"),
                Piece::Text(words) if in_text => text.push(words),
                Piece::Start(_) | Piece::End(_) | Piece::Text(_) | Piece::Attribute(..) => {}
            }
            !text.is_full()
        })?;
        text.cut |= !whole;
    }
    Ok(text.finish())
}

/// The words of an `.xlsx`: a line for each row, a tab between cells.
pub(super) fn workbook(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let mut archive = open(bytes)?;
    let mut left = MAX_ALL;
    let shared = shared_texts(&mut archive, &mut left)?;
    let mut text = Collected::default();
    for sheet in 1..=MOST_SHEETS {
        let part = format!("xl/worksheets/sheet{sheet}.xml");
        if archive.index_for_name(&part).is_none() {
            continue;
        }
        let (mut is_shared, mut in_value, mut empty_row) = (false, false, true);
        let mut value = String::new();
        let whole = each_event(&mut archive, &part, &mut left, |piece| {
            match piece {
                Piece::Start("c") => is_shared = false,
                Piece::Attribute("c", "t", kind) => is_shared = kind == "s",
                Piece::Start("v" | "t") => in_value = true,
                Piece::Text(words) if in_value => value.push_str(words),
                Piece::End("v" | "t") => in_value = false,
                Piece::End("c") => {
                    let number = || value.trim().parse::<usize>().ok();
                    let words = if is_shared {
                        number().and_then(|n| shared.get(n)).unwrap_or(&value)
                    } else {
                        &value
                    };
                    if !words.is_empty() {
                        text.push(if empty_row { "" } else { "\t" });
                        text.push(words);
                        empty_row = false;
                    }
                    value.clear();
                }
                Piece::End("row") if !empty_row => {
                    text.push("\n");
                    empty_row = true;
                }
                Piece::Start(_) | Piece::End(_) | Piece::Text(_) | Piece::Attribute(..) => {}
            }
            !text.is_full()
        })?;
        text.cut |= !whole;
    }
    Ok(text.finish())
}

fn shared_texts(archive: &mut Archive<'_>, left: &mut u64) -> Result<Vec<String>, ExtractError> {
    let part = "xl/sharedStrings.xml";
    let mut shared = Vec::new();
    if archive.index_for_name(part).is_none() {
        return Ok(shared);
    }
    let (mut text, mut in_text) = (String::new(), false);
    each_event(archive, part, left, |piece| {
        match piece {
            Piece::Start("t") => in_text = true,
            Piece::End("t") => in_text = false,
            Piece::Text(words) if in_text => text.push_str(words),
            Piece::End("si") => shared.push(std::mem::take(&mut text)),
            Piece::Start(_) | Piece::End(_) | Piece::Text(_) | Piece::Attribute(..) => {}
        }
        shared.len() < MOST_SHARED
    })?;
    Ok(shared)
}

enum Piece<'a> {
    Start(&'a str),
    /// Element, name, value; only `t` of cells is asked for.
    Attribute(&'a str, &'a str, &'a str),
    End(&'a str),
    Text(&'a str),
}

fn open(bytes: &[u8]) -> Result<Archive<'_>, ExtractError> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| ExtractError::Unreadable(error.to_string()))
}

/// Reads a part of the archive from its beginning, until `take` has enough; false when it unpacks to more than is read. Entities other than those of XML itself
/// are left out, so that none of them can grow.
fn each_event(
    archive: &mut Archive<'_>,
    part: &str,
    left: &mut u64,
    mut take: impl FnMut(Piece<'_>) -> bool,
) -> Result<bool, ExtractError> {
    let unreadable = |error: &dyn std::fmt::Display| ExtractError::Unreadable(error.to_string());
    let file = archive.by_name(part).map_err(|error| unreadable(&error))?;
    let limit = MAX_PART.min(*left);
    let mut reader = Reader::from_reader(BufReader::new(Limited::new(file, limit)));
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    let outcome = loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(_) if reader.get_ref().get_ref().left == 0 => break Ok(false),
            Err(error) => break Err(unreadable(&error)),
        };
        let goes_on = match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name().into_inner();
                let mut goes_on = take(Piece::Start(name));
                if name == "c"
                    && let Ok(Some(kind)) = tag.try_get_attribute("t")
                {
                    goes_on = take(Piece::Attribute(name, "t", &kind.value));
                }
                if matches!(event, Event::Empty(_)) {
                    goes_on = take(Piece::End(name));
                }
                goes_on
            }
            Event::End(tag) => take(Piece::End(tag.name().into_inner())),
            Event::Text(text) => take(Piece::Text(text)),
            Event::CData(text) => take(Piece::Text(text)),
            Event::GeneralRef(name) => match character(name) {
                Some(character) => take(Piece::Text(character.encode_utf8(&mut [0; 4]))),
                None => true,
            },
            Event::Eof => break Ok(true),
            _ => true,
        };
        if !goes_on {
            break Ok(true);
        }
        if buffer.capacity() > MAX_EVENT {
            buffer = Vec::new();
        }
    };
    *left -= limit - reader.get_ref().get_ref().left;
    outcome
}

/// The character that `&name;` stands for.
fn character(name: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return Some(character);
    }
    match &name[..] {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// A part of an archive that fails when it unpacks to more than `left` bytes.
struct Limited<'a, 'b> {
    file: ZipFile<'a, Cursor<&'b [u8]>>,
    left: u64,
}

impl<'a, 'b> Limited<'a, 'b> {
    fn new(file: ZipFile<'a, Cursor<&'b [u8]>>, left: u64) -> Self {
        Self { file, left }
    }
}

impl Read for Limited<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::Error::other("the part is too large"));
        }
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buffer[..room])?;
        self.left -= read as u64;
        Ok(read)
    }
}
