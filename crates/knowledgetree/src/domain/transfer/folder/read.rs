//! An archive as entries.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{FOLDER_FILE, MAX_ARCHIVE, head::Head};
use crate::domain::content;
use crate::domain::transfer::{Entry, MOST_ENTRIES, TransferError, time};

/// Most bytes that all files of an archive unpack to.
const MAX_ALL: u64 = 128 * 1024 * 1024;
/// Most bytes that one of its files unpacks to: an article and what stands before it.
const MAX_FILE: u64 = content::MAX_BYTES as u64 + 16 * 1024;

/// Reads an archive, ours or one that somebody made of a folder of notes: folders, and `.md`, `.markdown` or `.txt`
/// files; others are left out, as are hidden ones. Paths out of the archive are refused, and so is what unpacks to
/// more than [`content::MAX_BYTES`] for a file.
///
/// # Errors
/// [`TransferError`], with the file.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, TransferError> {
    if bytes.len() > MAX_ARCHIVE {
        return Err(TransferError::TooLarge);
    }
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| TransferError::Form(error.to_string()))?;
    if archive.len() > MOST_ENTRIES {
        return Err(TransferError::TooMany);
    }
    let mut tree = Tree::default();
    let mut left = MAX_ALL;
    for index in 0..archive.len() {
        let wrong = |name: &str, reason: &str| TransferError::entry(index, name, reason);
        let mut file = archive.by_index(index).map_err(|error| wrong("", &error.to_string()))?;
        let name = file.name().map_err(|_| wrong("", "Its name is no text."))?.into_owned();
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
        let Some(stem) =
            [".md", ".markdown", ".txt"].iter().find_map(|ending| strip_ending(place.last()?, ending))
        else {
            continue;
        };
        let mut text = Vec::new();
        let limit = MAX_FILE.min(left);
        let read = (&mut file)
            .take(limit + 1)
            .read_to_end(&mut text)
            .map_err(|error| wrong(&name, &error.to_string()))?;
        if read as u64 > limit {
            return if limit < MAX_FILE {
                Err(TransferError::TooLarge)
            } else {
                Err(wrong(&name, "The text is longer than 2 MB."))
            };
        }
        left -= read as u64;
        let text =
            crate::domain::files::text::decode_text(&text).ok_or_else(|| wrong(&name, "It is no text."))?;
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
    folders: BTreeMap<Vec<String>, Head>,
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
