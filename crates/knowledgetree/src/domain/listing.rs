//! What a look at a folder shows.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::item::Named;

/// How many characters of an article's text a list shows (§5.2 `summary`).
pub const EXCERPT_CHARS: usize = 200;

/// Which item is meant.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// The one with this id.
    Id(&'a str),
    /// The one at the end of these names, from the root's children on; the root where there are none.
    Path(&'a [String]),
}

/// An item as lists have it: without its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Folder or article.
    pub is_folder: bool,
    /// Attached folder.
    pub is_attached: bool,
    /// Protected.
    pub read_only: bool,
    /// When it last changed, where that is known.
    pub updated_at: Option<DateTime<Utc>>,
    /// Who changed it last, where that is known.
    pub updated_by: Option<String>,
    /// The first [`EXCERPT_CHARS`] characters of its text and one more where there is more; only where it was asked for.
    pub excerpt: Option<String>,
}

/// A folder, or an article, with the way to it and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// The item itself.
    pub item: Child,
    /// From the root to the item, both included.
    pub breadcrumbs: Vec<Named>,
    /// Folders first, then by name without regard to case, numbers by value; none for an article.
    pub children: Vec<Child>,
}

/// A folder with the folders in it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FolderNode {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Attached folder.
    pub is_attached: bool,
    /// Protected.
    pub read_only: bool,
    /// Folders in it, by name.
    pub children: Vec<FolderNode>,
}
