//! Files that belong to items (§7). The store keeps what is known of them, never their bytes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::order::by_name;

/// A file of an item.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FileRecord {
    /// UUID.
    pub id: String,
    /// Stored name, `<id>.<extension>`, by which it is downloaded.
    pub filename: String,
    /// Sanitised name of the upload; unknown for some of upstream's.
    pub original_filename: Option<String>,
    /// Bytes; unknown for upstream's.
    pub size: Option<i64>,
    /// Media type; unknown for upstream's.
    pub content_type: Option<String>,
    /// Who uploaded it; unknown for upstream's.
    pub uploaded_by: Option<String>,
    /// When; unknown for upstream's.
    pub created_at: Option<DateTime<Utc>>,
    /// SHA-256 of the bytes in hex, by which they are kept; none for upstream's, which lie under their stored name.
    pub content_hash: Option<String>,
}

/// A file to record; its bytes are written already.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// UUID.
    pub id: String,
    /// Stored name, `<id>.<extension>`.
    pub filename: String,
    /// Sanitised name of the upload.
    pub original_filename: String,
    /// Bytes.
    pub size: i64,
    /// Media type, as the bytes say.
    pub content_type: String,
    /// SHA-256 of the bytes in hex.
    pub content_hash: String,
    /// What can be read in it, for the search; nothing where nobody can.
    pub text: Option<String>,
}

/// Files by original name, the stored one where there is none.
pub fn sort_files(files: &mut [FileRecord]) {
    let name = |file: &FileRecord| file.original_filename.clone().unwrap_or_else(|| file.filename.clone());
    files.sort_by(|a, b| by_name(&name(a), &name(b)).then_with(|| a.id.cmp(&b.id)));
}
