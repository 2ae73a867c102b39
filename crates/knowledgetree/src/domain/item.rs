//! Items: the folders and articles of the tree (knowledgetree.md §3.1).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Id of the root. It exists always and cannot be renamed, moved or deleted.
pub const ROOT_ID: &str = "root";
/// Name of a new root. It is never part of a path.
pub const ROOT_NAME: &str = "KnowledgeTree Root";
/// Text of a new root.
pub const ROOT_CONTENT: &str = "# Welcome to KnowledgeTree";
/// Name of the folder below the root that holds what is known of customers; hidden with all below it from people of the level
/// `client` (§16 W2).
pub const COMPANIES_NAME: &str = "Companies";
/// Id of that folder where the sync made it. It stays hidden wherever it is moved.
pub const COMPANIES_ID: &str = "root_Companies";

/// How the text of an article is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentFormat {
    /// Markdown; also what an item without a format is.
    #[default]
    Markdown,
    /// Sanitised HTML.
    Html,
}

impl ContentFormat {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// From what is stored; anything but `html` is Markdown.
    pub fn of(stored: Option<&str>) -> Self {
        if stored == Some("html") { Self::Html } else { Self::Markdown }
    }
}

/// A folder or an article with all that is stored about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// UUID where people made it, a text like a path where the sync did, [`ROOT_ID`] for the root.
    pub id: String,
    /// Parent; none for the root.
    pub parent_id: Option<String>,
    /// Name, unique among siblings.
    pub name: String,
    /// Text; empty for folders, but not for the root.
    pub content: String,
    /// How the text is written; none where nobody has said, which means Markdown.
    pub content_format: Option<ContentFormat>,
    /// Folder or article.
    pub is_folder: bool,
    /// A folder whose articles belong to the context of everything beside and below its parent.
    pub is_attached: bool,
    /// Protected: name, text, place and existence change by the sync only.
    pub read_only: bool,
    /// When it was made; unknown for what upstream made.
    pub created_at: Option<DateTime<Utc>>,
    /// When name, text or parent last changed; unknown for what upstream made. Grows with every such change.
    pub updated_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: Option<String>,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Grows by one with every change of name, text, format or attachment; 1 for what has not changed yet.
    pub version: i64,
    /// Where it comes from, for what a sync made.
    pub source: Option<Source>,
}

/// Where a synced item comes from. Source and id together name one item.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The sync, such as `codex`.
    pub source: String,
    /// Id there, such as `company:C-1001`.
    pub source_id: String,
    /// What it is there.
    pub kind: super::synced::SourceKind,
}

/// Id and name, as breadcrumbs and lists of choices have them.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Named {
    /// Id of an item.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What a new item is to be. The name has been checked (§6 "Create").
#[derive(Clone, Debug, Default)]
pub struct NewItem {
    /// Folder in which it will be.
    pub parent_id: String,
    /// Name.
    pub name: String,
    /// Folder or article.
    pub is_folder: bool,
    /// Attached folder; without meaning for articles.
    pub is_attached: bool,
    /// Text of an article; ignored for folders.
    pub content: Option<NewContent>,
}

/// The text of an article as it is to be stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewContent {
    /// The text; HTML is sanitised already.
    pub text: String,
    /// How it is written.
    pub format: ContentFormat,
    /// Ids of the items it links to, whether they exist or not.
    pub links: Vec<String>,
}

/// What is to change about an item; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ItemChange {
    /// New name, checked.
    pub name: Option<String>,
    /// New text; ignored for folders other than the root.
    pub content: Option<NewContent>,
    /// Attached or not; ignored for articles.
    pub is_attached: Option<bool>,
}

/// What an editor last saw of an item. When the item has changed since, the change is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// [`Item::version`].
    Version(i64),
    /// [`Item::updated_at`], to the microsecond; `None` for an item that had none.
    UpdatedAt(Option<DateTime<Utc>>),
}

impl Expected {
    /// Whether the item is still as the editor saw it.
    pub fn holds(self, item: &Item) -> bool {
        match self {
            Self::Version(version) => version == item.version,
            Self::UpdatedAt(seen) => {
                seen.map(|at| at.timestamp_micros()) == item.updated_at.map(|at| at.timestamp_micros())
            }
        }
    }
}

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// Name of the user, or of the service that acts without one.
    pub user: &'a str,
    /// Administrators may delete what is read-only.
    pub is_admin: bool,
    /// The time, from the service's clock; stored to the microsecond.
    pub at: DateTime<Utc>,
}

/// Which part of the tree a reader may see. What is hidden does not exist for the reader: it is not found, listed, counted or
/// searched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Visibility {
    /// All of it.
    All,
    /// All but what is known of customers, for people of the level `client`: the folder [`COMPANIES_NAME`] below the root, the one
    /// that the sync made ([`COMPANIES_ID`], [`super::synced::COMPANIES_SOURCE_ID`]) wherever it is now, and all below them.
    WithoutCompanies,
}
