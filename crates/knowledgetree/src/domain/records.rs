//! Rows on their way out of a store and into one: export and import of what people wrote (§10), and the whole of a store.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{files::FileRecord, history::Version, item::ContentFormat, synced::SourceKind};

/// An item in an export.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRow {
    /// Names below the root.
    pub path: Vec<String>,
    /// Text; empty for folders.
    pub content: String,
    /// How it is written.
    pub content_format: Option<ContentFormat>,
    /// Folder or article.
    pub is_folder: bool,
    /// Attached folder.
    pub is_attached: bool,
    /// A protected folder that is named only because something of people is below it. Its text is left out.
    pub is_reference: bool,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// Number of its state.
    pub version: i64,
}

/// An item to import. Names have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportRow {
    /// Names below the root, at least one.
    pub path: Vec<String>,
    /// Text; ignored for folders.
    pub content: String,
    /// How it is written.
    pub content_format: ContentFormat,
    /// Folder or article.
    pub is_folder: bool,
    /// Attached folder; ignored for articles.
    pub is_attached: bool,
    /// A folder that must be there already and stays as it is.
    pub is_reference: bool,
    /// Ids that the text links to.
    pub links: Vec<String>,
}

/// What came of an import.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ImportReport {
    /// Items made.
    pub created: u64,
    /// Items changed.
    pub updated: u64,
    /// Items that were so already, references included.
    pub unchanged: u64,
}

/// A row of a whole store, for moving it to the other kind and for backups. Rows come in this order: items, parents before
/// children, the tree before the trash; then what names them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A folder or an article, in the tree or in the trash.
    Item(Box<ItemRecord>),
    /// A former state.
    Version {
        /// Whose.
        item_id: String,
        /// The state.
        #[serde(flatten)]
        version: Version,
    },
    /// An article's link to another item.
    Link {
        /// The article.
        from: String,
        /// What it links to.
        to: String,
    },
    /// A file of an item.
    File {
        /// The item.
        item_id: String,
        /// The file.
        #[serde(flatten)]
        file: FileRecord,
        /// What can be read in it.
        text: Option<String>,
    },
    /// A company.
    Company {
        /// Codex's id.
        id: String,
        /// Name.
        name: Option<String>,
        /// Account number.
        account_number: Option<String>,
        /// When it was last synced.
        updated_at: Option<DateTime<Utc>>,
    },
    /// Context of a company.
    CompanyContext {
        /// The company's id.
        company_id: String,
        /// The item.
        item_id: String,
    },
    /// Context of a ticket. A ticket without context is not kept.
    TicketContext {
        /// The ticket's number.
        number: String,
        /// The item.
        item_id: String,
    },
    /// What jobs remember.
    State {
        /// Name.
        key: String,
        /// Text.
        value: String,
    },
}

/// An item with all its properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// Id.
    pub id: String,
    /// Parent; for the topmost item of a subtree in the trash none.
    pub parent_id: Option<String>,
    /// Name.
    pub name: String,
    /// Text.
    pub content: String,
    /// How it is written.
    pub content_format: Option<ContentFormat>,
    /// Folder or article.
    pub is_folder: bool,
    /// Attached folder.
    pub is_attached: bool,
    /// Protected.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: Option<String>,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Number of its state.
    pub version: i64,
    /// The sync that made it.
    pub source: Option<String>,
    /// Id there.
    pub source_id: Option<String>,
    /// What it is there.
    pub source_kind: Option<SourceKind>,
    /// The run that saw it last.
    pub sync_run: Option<String>,
    /// Topmost item of the subtree in the trash that it belongs to, itself perhaps; none in the tree.
    pub trash_root: Option<String>,
    /// For that topmost item: where it was.
    pub former_parent_id: Option<String>,
    /// For that topmost item: when it was deleted.
    pub trashed_at: Option<DateTime<Utc>>,
    /// For that topmost item: who deleted it.
    pub trashed_by: Option<String>,
    /// For that topmost item: whether a sync did.
    pub trashed_by_sync: bool,
}
