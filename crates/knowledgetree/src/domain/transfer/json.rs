//! The JSON form: `[{path, content, is_folder, is_attached, …}]`. Upstream's exports have the first four members
//! only, and its import reads ours, since it passes over the others.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Entry, TransferError, sort, time, written};
use crate::domain::content::Format;
use crate::domain::paths;

/// The version that is written into each entry.
pub const VERSION: u64 = 1;

/// The name of the file.
pub const FILE_NAME: &str = "knowledgetree_export.json";

#[derive(Deserialize, Serialize)]
struct Row {
    path: String,
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    is_folder: Option<bool>,
    #[serde(default)]
    is_attached: Option<bool>,
    #[serde(default)]
    content_format: Option<Format>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<bool>,
    #[serde(default)]
    version: Option<u64>,
}

/// The file of an export.
///
/// # Errors
/// None that can happen: all of it is text.
pub fn write(mut entries: Vec<Entry>) -> Result<Vec<u8>, serde_json::Error> {
    sort(&mut entries);
    let rows: Vec<Row> = entries.into_iter().map(Row::of).collect();
    serde_json::to_vec_pretty(&rows)
}

/// Reads an export, ours or upstream's. The entries are as they stand there: [`super::prepare`] checks and sorts them.
///
/// # Errors
/// [`TransferError`], with the entry and the member that is wrong.
pub fn read(file: &[u8]) -> Result<Vec<Entry>, TransferError> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let rows: Vec<&RawValue> = serde_json::from_slice(file).map_err(|error| {
        TransferError::Form(if error.is_data() {
            "it is not a list of entries".to_owned()
        } else {
            error.to_string()
        })
    })?;
    if rows.len() > super::MOST_ENTRIES {
        return Err(TransferError::TooMany);
    }
    rows.into_iter().enumerate().map(|(index, row)| entry(index, row.get())).collect()
}

fn entry(index: usize, json: &str) -> Result<Entry, TransferError> {
    let wrong = |reason: String| {
        let row: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        let path = row.get("path").and_then(|path| path.as_str()).unwrap_or_default();
        TransferError::entry(index, path, reason)
    };
    let row: Row =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(|error| {
            let member = error.path().to_string();
            let reason = error.into_inner().to_string();
            // The place in the entry, in lines and columns of its own, helps nobody.
            let reason = reason.split(" at line ").next().unwrap_or_default();
            wrong(if member == "." { reason.to_owned() } else { format!("{member}: {reason}") })
        })?;
    if let Some(version) = row.version.filter(|version| *version > VERSION) {
        return Err(TransferError::Version(version));
    }
    let moment = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => time(text).map(Some).ok_or_else(|| wrong(format!("{name}: \"{text}\" is no time"))),
    };
    Ok(Entry {
        created_at: moment("created_at", &row.created_at)?,
        updated_at: moment("updated_at", &row.updated_at)?,
        path: paths::names(&row.path).map_err(|error| wrong(error.to_string()))?,
        content: row.content.unwrap_or_default(),
        format: row.content_format.unwrap_or_default(),
        is_folder: row.is_folder.unwrap_or_default(),
        is_attached: row.is_attached.unwrap_or_default(),
        is_reference: row.reference.unwrap_or_default(),
    })
}

impl Row {
    fn of(entry: Entry) -> Self {
        Self {
            path: entry.path.join("/"),
            content: Some(entry.content),
            is_folder: Some(entry.is_folder),
            is_attached: Some(entry.is_attached),
            content_format: (!entry.is_folder).then_some(entry.format),
            created_at: written(entry.created_at),
            updated_at: written(entry.updated_at),
            reference: entry.is_reference.then_some(true),
            version: Some(VERSION),
        }
    }
}
