//! Export and import (knowledgetree.md §10): a list of entries as JSON, and the same as a folder of Markdown files in
//! an archive.

pub mod folder;
pub mod json;

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::content::{self, Format};
use super::names::{self, NameError};
use super::paths;

/// Most entries of an import.
pub const MOST_ENTRIES: usize = 200_000;

/// One item of an export or import.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entry {
    /// The names from below the root.
    pub path: Vec<String>,
    /// The article's source; empty for folders.
    pub content: String,
    /// How it is written.
    pub format: Format,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether the folder is attached.
    pub is_attached: bool,
    /// Not to be made or changed: a folder of the sync that the entries below it need. It must be there already.
    pub is_reference: bool,
    /// When it was made; none when unknown.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed; none when unknown.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Why an import is refused: the whole of it, and nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TransferError {
    /// It has not the form of an export.
    #[error("The file is no export of the knowledge tree: {0}")]
    Form(String),
    /// It was made by a newer version.
    #[error("The export has version {0}; this service reads version {version} and older.", version = json::VERSION)]
    Version(u64),
    /// More than [`MOST_ENTRIES`].
    #[error("The import has more than {MOST_ENTRIES} entries.")]
    TooMany,
    /// The archive is larger than anybody's notes, or unpacks to more.
    #[error("The archive unpacks to more than can be read.")]
    TooLarge,
    /// Something about one entry.
    #[error("{entry}: {reason}")]
    Entry {
        /// Which: its number and path.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl TransferError {
    fn entry(index: usize, path: &str, reason: impl Into<String>) -> Self {
        let path: String = path.chars().take(200).collect();
        let entry = if path.is_empty() {
            format!("Entry {}", index + 1)
        } else {
            format!("Entry {} (\"{path}\")", index + 1)
        };
        Self::Entry { entry, reason: reason.into() }
    }
}

/// Puts entries in the order in which they can be made, parents first, and checks them as a whole: names, depth,
/// contents, no path twice, no article with something in it. A parent that is not among them must be in the tree,
/// which is for the store to find out.
///
/// Contents are cleaned as in any other way in ([`content::accept`]); folders have none, and only they can be attached.
///
/// # Errors
/// The first that is wrong, in the order in which they came.
pub fn prepare(entries: Vec<Entry>) -> Result<Vec<Entry>, TransferError> {
    if entries.len() > MOST_ENTRIES {
        return Err(TransferError::TooMany);
    }
    let mut by_path: BTreeMap<Vec<String>, Entry> = BTreeMap::new();
    for (index, mut entry) in entries.into_iter().enumerate() {
        let shown = paths::api_path(&entry.path);
        let wrong = |reason: String| TransferError::entry(index, &shown, reason);
        if entry.path.is_empty() {
            return Err(wrong("The path is empty; the root is not imported.".to_owned()));
        }
        if entry.path.len() > paths::MAX_DEPTH {
            return Err(wrong(format!("The path has more than {} parts.", paths::MAX_DEPTH)));
        }
        for name in &entry.path {
            match names::check(name) {
                Ok(checked) if checked == name => {}
                Ok(_) => return Err(wrong(format!("The name \"{name}\" has white space around it."))),
                Err(NameError::Empty) => return Err(wrong("A name in the path is empty.".to_owned())),
                Err(error) => return Err(wrong(error.to_string())),
            }
        }
        if entry.is_folder {
            entry.content.clear();
            entry.format = Format::Markdown;
        } else {
            entry.is_attached = false;
            entry.content =
                content::accept(entry.format, &entry.content).map_err(|error| wrong(error.to_string()))?;
        }
        if by_path.insert(entry.path.clone(), entry).is_some() {
            return Err(wrong("Another entry has the same path.".to_owned()));
        }
    }
    let articles: HashSet<&[String]> =
        by_path.values().filter(|entry| !entry.is_folder).map(|entry| entry.path.as_slice()).collect();
    for (index, path) in by_path.keys().enumerate() {
        if let Some(parent) = (1..path.len()).map(|len| &path[..len]).find(|parent| articles.contains(parent))
        {
            let reason = format!("\"{}\" is an article, so nothing can be in it.", paths::api_path(parent));
            return Err(TransferError::entry(index, &paths::api_path(path), reason));
        }
    }
    // A path is less than every path that begins with it, so parents come first.
    Ok(by_path.into_values().collect())
}

/// The order of an export: by path, as people sort names.
pub fn sort(entries: &mut [Entry]) {
    entries.sort_by(|a, b| {
        let by_name = a.path.iter().zip(&b.path).map(|(a, b)| names::cmp_names(a, b));
        by_name.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.path.len().cmp(&b.path.len()))
    });
}

/// A time of an export: RFC 3339; what is none, is none.
fn time(text: &str) -> Option<DateTime<Utc>> {
    hivematrix_shared::contracts::codex::wire::parse_time(text)
}

/// A time as an export has it.
fn written(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests;
