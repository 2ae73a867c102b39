//! The same tree as files: a folder for each folder and a `.md` file for each article, in a ZIP archive. What a file name cannot hold, and
//! what is no text, stands before the text between two lines of `---`, so that the way back gives the same tree.

use std::collections::HashSet;
use std::io::{Cursor, Read, Write};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{Entry, MOST_ENTRIES, TransferError, sort, time, written};
use crate::domain::content::Format;
use crate::domain::content;

/// The name of the archive.
pub const FILE_NAME: &str = "knowledgetree_export.zip";

/// What says how its folder is: attached, or under which name.
const FOLDER_FILE: &str = "_folder.md";

/// Most bytes of an archive.
pub const MAX_ARCHIVE: usize = 100 * 1024 * 1024;
/// Most bytes that all of its files unpack to.
const MAX_ALL: u64 = 400 * 1024 * 1024;
/// Most bytes that one of its files unpacks to: an article and what stands before it.
const MAX_FILE: u64 = content::MAX_BYTES as u64 + 16 * 1024;
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
            archive.add_directory(format!("{place}/"), SimpleFileOptions::default().unix_permissions(0o700))?;
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
        .map(|c| if matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') || c.is_control() { '_' } else { c })
        .collect();
    stem.truncate(stem.floor_char_boundary(MAX_NAME));
    let kept = stem.trim_end_matches(['.', ' ']).trim_start_matches(' ');
    let first = kept.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_device = matches!(first.as_str(), "con" | "prn" | "aux" | "nul")
        || (first.len() == 4 && (first.starts_with("com") || first.starts_with("lpt")) && first.ends_with(|c: char| c.is_ascii_digit()));
    let clashes = kept.is_empty() || kept.starts_with('.') || is_device || kept.eq_ignore_ascii_case("_folder");
    if clashes { format!("_{kept}") } else { kept.to_owned() }
}

/// What stands before the text.
#[derive(Debug, Default, PartialEq)]
struct Head {
    name: Option<String>,
    format: Option<Format>,
    attached: bool,
    reference: bool,
    created_at: Option<String>,
    updated_at: Option<String>,
}

impl Head {
    fn of(entry: &Entry, name: &str, stem: &str) -> Self {
        Self {
            name: (name != stem).then(|| name.to_owned()),
            format: Some(entry.format).filter(|format| *format != Format::Markdown),
            attached: entry.is_attached,
            reference: entry.is_reference,
            created_at: written(entry.created_at).map(Into::into),
            updated_at: written(entry.updated_at).map(Into::into),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Nothing when there is nothing to say, but for `always`.
    fn text(&self, always: bool) -> String {
        if self.is_empty() && !always {
            return String::new();
        }
        let mut text = "---\n".to_owned();
        let mut line = |key: &str, value: &str| text.push_str(&format!("{key}: {value}\n"));
        if let Some(name) = &self.name {
            // A JSON string is one of YAML too.
            line("name", &serde_json::Value::from(name.as_str()).to_string());
        }
        if let Some(format) = self.format {
            line("format", format.as_str());
        }
        for (key, is_set) in [("attached", self.attached), ("reference", self.reference)] {
            if is_set {
                line(key, "true");
            }
        }
        for (key, time) in [("created_at", &self.created_at), ("updated_at", &self.updated_at)] {
            if let Some(time) = time {
                line(key, time);
            }
        }
        text.push_str("---\n");
        text
    }

    /// Takes the lines before the text off it. Only lines that we write count; a text that begins with a rule, or with lines of another
    /// program, keeps them.
    fn take(text: &str) -> (Self, &str) {
        let none = (Self::default(), text);
        let Some(inner) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else { return none };
        let mut head = Self::default();
        let mut rest = inner;
        loop {
            let Some((line, after)) = rest.split_once('\n') else {
                return if rest.trim_end() == "---" { (head, "") } else { none };
            };
            rest = after;
            let line = line.trim_end();
            if line == "---" {
                return (head, rest);
            }
            let Some((key, value)) = line.split_once(": ") else { return none };
            match (key, value) {
                ("name", value) => match serde_json::from_str(value) {
                    Ok(name) => head.name = Some(name),
                    Err(_) => head.name = Some(value.to_owned()),
                },
                ("format", "html") => head.format = Some(Format::Html),
                ("format", "markdown") => head.format = Some(Format::Markdown),
                ("attached", "true" | "false") => head.attached = value == "true",
                ("reference", "true" | "false") => head.reference = value == "true",
                ("created_at", value) => head.created_at = Some(value.to_owned()),
                ("updated_at", value) => head.updated_at = Some(value.to_owned()),
                _ => return none,
            }
        }
    }
}

/// Reads an archive, ours or one that somebody made of a folder of notes: folders, and `.md`, `.markdown` or `.txt` files; others are left
/// out, as are hidden ones. Paths out of the archive are refused, and so is what unpacks to more than [`content::MAX_BYTES`] for a file.
///
/// # Errors
/// [`TransferError`], with the file.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, TransferError> {
    if bytes.len() > MAX_ARCHIVE {
        return Err(TransferError::TooLarge);
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| TransferError::Form(error.to_string()))?;
    if archive.len() > MOST_ENTRIES {
        return Err(TransferError::TooMany);
    }
    let mut tree = Tree::default();
    let mut left = MAX_ALL;
    for index in 0..archive.len() {
        let wrong = |name: &str, reason: &str| TransferError::entry(index, name, reason);
        let mut file = archive.by_index(index).map_err(|error| wrong("", &error.to_string()))?;
        let name = file.name().to_owned();
        let place = safe_place(&name).ok_or_else(|| wrong(&name, "The path leads out of the archive."))?;
        if file.is_symlink() {
            return Err(wrong(&name, "It is a link, which is not followed."));
        }
        if place.is_empty() || place.iter().any(|part| part.starts_with('.') || part == "__MACOSX") {
            continue;
        }
        if file.is_dir() {
            tree.folder(&place);
            continue;
        }
        let Some(stem) = [".md", ".markdown", ".txt"].iter().find_map(|ending| strip_ending(place.last()?, ending)) else {
            continue;
        };
        let mut text = Vec::new();
        let limit = MAX_FILE.min(left);
        let read = (&mut file).take(limit + 1).read_to_end(&mut text).map_err(|error| wrong(&name, &error.to_string()))?;
        if read as u64 > limit {
            return if limit < MAX_FILE { Err(TransferError::TooLarge) } else { Err(wrong(&name, "The text is longer than 2 MB.")) };
        }
        left -= read as u64;
        let text = crate::domain::files::text::decode_text(&text).ok_or_else(|| wrong(&name, "It is no text."))?;
        let (head, content) = Head::take(&text);
        for (key, text) in [("created_at", &head.created_at), ("updated_at", &head.updated_at)] {
            if text.as_deref().is_some_and(|text| time(text).is_none()) {
                return Err(wrong(&name, &format!("{key}: it is no time.")));
            }
        }
        let is_folder_file = place.last().is_some_and(|last| last == FOLDER_FILE) && place.len() > 1;
        if is_folder_file {
            tree.describe(&place[..place.len() - 1], head);
        } else {
            let stem = stem.to_owned();
            let content = content.to_owned();
            tree.article(&place, stem, head, content);
        }
    }
    Ok(tree.entries())
}

fn strip_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len()).filter(|at| *at > 0)?;
    name.get(at..).filter(|end| end.eq_ignore_ascii_case(ending))?;
    name.get(..at)
}

/// The folders and the name of a file of an archive; none when it leads out of it.
fn safe_place(name: &str) -> Option<Vec<String>> {
    let name = name.replace('\\', "/");
    let is_drive = name.as_bytes().get(1) == Some(&b':');
    if name.starts_with('/') || is_drive || name.contains('\0') {
        return None;
    }
    let mut place = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            part => place.push(part.to_owned()),
        }
    }
    Some(place)
}

/// What was found, by its place in the archive.
#[derive(Default)]
struct Tree {
    folders: std::collections::BTreeMap<Vec<String>, Head>,
    articles: Vec<(Vec<String>, String, Head, String)>,
}

impl Tree {
    fn folder(&mut self, place: &[String]) {
        for len in 1..=place.len() {
            self.folders.entry(place[..len].to_vec()).or_default();
        }
    }

    fn describe(&mut self, place: &[String], head: Head) {
        self.folder(place);
        self.folders.insert(place.to_vec(), head);
    }

    fn article(&mut self, place: &[String], stem: String, head: Head, content: String) {
        self.folder(&place[..place.len() - 1]);
        self.articles.push((place.to_vec(), stem, head, content));
    }

    /// The path in the tree of a folder of the archive.
    fn path(&self, place: &[String]) -> Vec<String> {
        (1..=place.len())
            .map(|len| {
                let name = self.folders.get(&place[..len]).and_then(|head| head.name.clone());
                name.unwrap_or_else(|| place[len - 1].clone())
            })
            .collect()
    }

    fn entries(mut self) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(self.folders.len() + self.articles.len());
        for (place, head) in &self.folders {
            entries.push(entry(self.path(place), true, head, String::new()));
        }
        for (place, stem, mut head, content) in std::mem::take(&mut self.articles) {
            let mut path = self.path(&place[..place.len() - 1]);
            path.push(head.name.take().unwrap_or(stem));
            entries.push(entry(path, false, &head, content));
        }
        entries
    }
}

fn entry(path: Vec<String>, is_folder: bool, head: &Head, content: String) -> Entry {
    Entry {
        path,
        content,
        format: head.format.unwrap_or_default(),
        is_folder,
        is_attached: is_folder && head.attached,
        is_reference: head.reference,
        created_at: head.created_at.as_deref().and_then(time),
        updated_at: head.updated_at.as_deref().and_then(time),
    }
}
