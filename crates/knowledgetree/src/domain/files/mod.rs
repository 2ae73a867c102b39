//! Attachments (knowledgetree.md §7): what may be uploaded, under which name and where it lies, how it is handed out,
//! and the words in it.

mod headers;
mod kind;
mod name;
mod record;
mod storage;
pub mod text;

pub use headers::{CSP, content_disposition};
pub use kind::{ContentMismatch, Kind};
pub use name::{MAX_NAME_CHARS, safe_name};
pub use record::{FileRecord, NewFile, sort_files};
pub use storage::{BadHash, ContentHash, Hasher, stored_name};

/// Most bytes of a file.
pub const MAX_BYTES: u64 = 50 * 1024 * 1024;
