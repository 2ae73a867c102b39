//! The same tree as files: a folder for each folder and a `.md` file for each article, in a ZIP archive. What a file
//! name cannot hold, and what is no text, stands before the text between two lines of `---`, so that the way back
//! gives the same tree.

mod head;
mod read;

use std::collections::HashSet;
use std::io::Write;

use zip::{ZipWriter, write::SimpleFileOptions};

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

/// Writes the archive.
///
/// # Errors
/// When the writer fails, as a full disk does.
pub fn write<W: Write + std::io::Seek>(mut entries: Vec<Entry>, into: W) -> std::io::Result<W> {
    add_missing_folders(&mut entries);
    sort(&mut entries);
    let mut archive = ZipWriter::new(into);
    let options = SimpleFileOptions::default().unix_permissions(0o600);
    let mut taken: HashSet<String> = HashSet::new();
    // The folders on the way to the entry: their names, and where they are in the archive.
    let mut open: Vec<(String, String)> = Vec::new();
    for entry in &entries {
        let Some((name, parents)) = entry.path.split_last() else { continue };
        open.truncate(parents.len());
        let ending = if entry.is_folder { "" } else { ".md" };
        let place = place(&open, name, ending, &mut taken);
        let file_name = place.rsplit('/').next().unwrap_or_default();
        let head = Head::of(entry, name, file_name.strip_suffix(ending).unwrap_or(file_name));
        if entry.is_folder {
            archive
                .add_directory(format!("{place}/"), SimpleFileOptions::default().unix_permissions(0o700))?;
            if !head.is_empty() {
                archive.start_file(format!("{place}/{FOLDER_FILE}"), options)?;
                archive.write_all(head.text(true).as_bytes())?;
            }
            open.push((name.clone(), place));
        } else {
            let is_head = |content: &str| content.starts_with("---\n") || content.starts_with("---\r");
            archive.start_file(&place, options)?;
            archive.write_all(head.text(is_head(&entry.content)).as_bytes())?;
            archive.write_all(entry.content.as_bytes())?;
        }
    }
    Ok(archive.finish()?)
}

/// Each folder on the way to an entry is one too.
fn add_missing_folders(entries: &mut Vec<Entry>) {
    let mut known: HashSet<Vec<String>> =
        entries.iter().filter(|entry| entry.is_folder).map(|entry| entry.path.clone()).collect();
    let mut missing = Vec::new();
    for entry in entries.iter() {
        for len in 1..entry.path.len() {
            if known.insert(entry.path[..len].to_vec()) {
                missing.push(Entry { path: entry.path[..len].to_vec(), is_folder: true, ..Entry::default() });
            }
        }
    }
    entries.extend(missing);
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
