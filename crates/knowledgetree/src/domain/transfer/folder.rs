//! The same tree as files: a folder for each folder and a `.md` file for each article, in a ZIP archive. What a file
//! name cannot hold, and what is no text, stands before the text between two lines of `---`, so that the way back
//! gives the same tree.

mod head;
mod read;

use std::collections::HashSet;
use std::io::{self, Write};

use zip::{
    ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use super::{Entry, sort};
use head::Head;

pub use read::read;

/// The name of the archive.
pub const FILE_NAME: &str = "knowledgetree_export.zip";

/// What says how its folder is: attached, or under which name.
const FOLDER_FILE: &str = "_folder.md";

/// Most bytes of an archive.
pub const MAX_ARCHIVE: usize = 50 * 1024 * 1024;
/// Longest name of a file, in bytes: that of common file systems, with room for the ending and a number.
const MAX_NAME: usize = 200;

/// Writes the archive entry by entry, so that a large one needs no large memory. Entries come as a walk through the tree meets them: a
/// folder before what is in it, and all of that before the next folder; a folder on the way may be left out.
pub struct Writer<W: Write> {
    archive: ZipWriter<StreamWriter<W>>,
    taken: HashSet<String>,
    /// The folders on the way to the entry: their names, and where they are in the archive.
    open: Vec<(String, String)>,
}

impl<W: Write> Writer<W> {
    /// An archive without files.
    pub fn new(into: W) -> Self {
        Self { archive: ZipWriter::new_stream(into), taken: HashSet::new(), open: Vec::new() }
    }

    /// Adds an entry, and the folders on the way to it that did not come.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let Some((name, parents)) = entry.path.split_last() else { return Ok(()) };
        let shared = self.open.iter().zip(parents).take_while(|((name, _), parent)| name == *parent).count();
        self.open.truncate(shared);
        for depth in shared..parents.len() {
            let path = parents[..=depth].to_vec();
            self.write(&Entry { path, is_folder: true, ..Entry::default() }, &parents[depth])?;
        }
        self.write(entry, name)
    }

    fn write(&mut self, entry: &Entry, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default().unix_permissions(0o600);
        let ending = if entry.is_folder { "" } else { ".md" };
        let place = place(&self.open, name, ending, &mut self.taken);
        let file_name = place.rsplit('/').next().unwrap_or_default();
        let head = Head::of(entry, name, file_name.strip_suffix(ending).unwrap_or(file_name));
        if entry.is_folder {
            let folder = SimpleFileOptions::default().unix_permissions(0o700);
            self.archive.add_directory(format!("{place}/"), folder)?;
            if !head.is_empty() {
                self.archive.start_file(format!("{place}/{FOLDER_FILE}"), options)?;
                self.archive.write_all(head.text(true).as_bytes())?;
            }
            self.open.push((name.to_owned(), place));
        } else {
            let is_head = |content: &str| content.starts_with("---\n") || content.starts_with("---\r");
            self.archive.start_file(&place, options)?;
            self.archive.write_all(head.text(is_head(&entry.content)).as_bytes())?;
            self.archive.write_all(entry.content.as_bytes())?;
        }
        Ok(())
    }

    /// Ends the archive, which is none before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<W> {
        Ok(self.archive.finish()?.into_inner())
    }
}

/// Writes the archive of these entries.
///
/// # Errors
/// When the writer fails, as a full disk does.
pub fn write<W: Write>(mut entries: Vec<Entry>, into: W) -> io::Result<W> {
    sort(&mut entries);
    let mut writer = Writer::new(into);
    for entry in &entries {
        writer.add(entry)?;
    }
    writer.finish()
}

/// A path in the archive that no other file has, on any file system.
fn place(open: &[(String, String)], name: &str, ending: &str, taken: &mut HashSet<String>) -> String {
    let folder = open.last().map_or(String::new(), |(_, place)| format!("{place}/"));
    let stem = file_stem(name);
    let mut number = 1;
    loop {
        let numbered = if number == 1 { stem.clone() } else { format!("{stem} ({number})") };
        let place = format!("{folder}{numbered}{ending}");
        if taken.insert(place.to_lowercase()) {
            return place;
        }
        number += 1;
    }
}

/// The name as a file may have it on Linux, Windows and macOS.
fn file_stem(name: &str) -> String {
    let mut stem: String = name
        .chars()
        .map(|c| {
            if matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .collect();
    stem.truncate(stem.floor_char_boundary(MAX_NAME));
    let kept = stem.trim_end_matches(['.', ' ']).trim_start_matches(' ');
    let first = kept.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_device = matches!(first.as_str(), "con" | "prn" | "aux" | "nul")
        || (first.len() == 4
            && (first.starts_with("com") || first.starts_with("lpt"))
            && first.ends_with(|c: char| c.is_ascii_digit()));
    let clashes =
        kept.is_empty() || kept.starts_with('.') || is_device || kept.eq_ignore_ascii_case("_folder");
    if clashes { format!("_{kept}") } else { kept.to_owned() }
}
