//! What was deleted and can be had back (§6 "Trash").

use chrono::{DateTime, Utc};

use super::files::FileRecord;

/// A subtree in the trash, by its topmost item.
#[derive(Clone, Debug, PartialEq)]
pub struct TrashEntry {
    /// Id of the topmost item.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Folder or article.
    pub is_folder: bool,
    /// Where it was; that may be gone or in the trash itself.
    pub former_parent_id: Option<String>,
    /// Name of that place, while it exists in the tree.
    pub former_parent_name: Option<String>,
    /// When it was deleted.
    pub trashed_at: DateTime<Utc>,
    /// Who deleted it.
    pub trashed_by: Option<String>,
    /// Items in it, itself included.
    pub items: i64,
    /// Whether a sync put it there since it is gone at its source.
    pub by_sync: bool,
    /// Items in it that no sync made. What a sync put into the trash together with notes of people is not removed by age.
    pub own_items: i64,
}

/// What was removed for ever.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Purged {
    /// Items removed.
    pub items: i64,
    /// Files removed. Their bytes are the caller's to delete, where no other file has the same hash
    /// ([`crate::store::KnowledgeStore::unreferenced`]).
    pub files: Vec<FileRecord>,
}
