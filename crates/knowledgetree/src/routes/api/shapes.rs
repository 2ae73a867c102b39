//! What several routes answer.

use chrono::{DateTime, Utc};
use hivematrix_shared::extract::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        files::FileRecord,
        item::{ContentFormat, Item, Named, Source},
        listing::Child,
        paths,
    },
    routes::access::Reader,
};

/// It is done.
#[derive(Serialize, ToSchema)]
pub struct Success {
    /// Always true.
    success: bool,
}

impl Success {
    /// As an answer.
    pub fn answer() -> Json<Self> {
        Json(Self { success: true })
    }
}

/// An item is there or has changed.
#[derive(Serialize, ToSchema)]
pub struct Saved {
    /// Always true.
    success: bool,
    /// Id of the item.
    id: String,
    /// To be sent with the next change, so that no other one is overwritten.
    version: i64,
    /// When it last changed.
    updated_at: Option<DateTime<Utc>>,
}

impl Saved {
    /// As an answer.
    pub fn answer(item: Item) -> Json<Self> {
        Json(Self { success: true, id: item.id, version: item.version, updated_at: item.updated_at })
    }
}

/// An item of a list.
#[derive(Serialize, ToSchema)]
pub struct ChildNode {
    /// Id.
    id: String,
    /// Name.
    name: String,
    /// Folder or article.
    is_folder: bool,
    /// A folder whose articles belong to the context of everything beside and below its parent.
    is_attached: bool,
    /// Protected: it changes by the sync only.
    read_only: bool,
    /// When it last changed, where that is known.
    updated_at: Option<DateTime<Utc>>,
}

impl From<Child> for ChildNode {
    fn from(child: Child) -> Self {
        Self {
            id: child.id,
            name: child.name,
            is_folder: child.is_folder,
            is_attached: child.is_attached,
            read_only: child.read_only,
            updated_at: child.updated_at,
        }
    }
}

/// An item with its text as it is stored.
#[derive(Serialize, ToSchema)]
pub struct StoredNode {
    /// Id.
    pub id: String,
    /// Parent; none for the root.
    pub parent_id: Option<String>,
    /// Name.
    pub name: String,
    /// Text; empty for folders.
    pub content: String,
    /// `markdown`, `html`, or nothing, which means Markdown.
    #[schema(value_type = Option<String>)]
    pub content_format: Option<ContentFormat>,
    /// Folder or article.
    pub is_folder: bool,
    /// A folder whose articles belong to the context of everything beside and below its parent.
    pub is_attached: bool,
    /// Protected: it changes by the sync only.
    pub read_only: bool,
    /// When it was made, where that is known.
    pub created_at: Option<DateTime<Utc>>,
    /// When name, text or parent last changed, where that is known.
    pub updated_at: Option<DateTime<Utc>>,
    /// Who made it; not for customers.
    pub created_by: Option<String>,
    /// Who changed it last; not for customers.
    pub updated_by: Option<String>,
    /// Grows with every change of name, text or attachment.
    pub version: i64,
    /// Where it comes from, for what a sync made.
    pub source: Option<NodeSource>,
}

/// Where a synced item comes from.
#[derive(Serialize, ToSchema)]
pub struct NodeSource {
    /// The sync, such as `codex`.
    source: String,
    /// Id there.
    source_id: String,
    /// `group`, `company`, `person`, `contact`, `asset` or `ticket`.
    kind: &'static str,
}

impl From<Source> for NodeSource {
    fn from(source: Source) -> Self {
        Self { source: source.source, source_id: source.source_id, kind: source.kind.as_str() }
    }
}

impl StoredNode {
    /// As this reader may see it.
    pub fn of(item: Item, reader: Reader) -> Self {
        let person = |name: Option<String>| name.filter(|_| reader.is_staff);
        Self {
            id: item.id,
            parent_id: item.parent_id,
            name: item.name,
            content: item.content,
            content_format: item.content_format,
            is_folder: item.is_folder,
            is_attached: item.is_attached,
            read_only: item.read_only,
            created_at: item.created_at,
            updated_at: item.updated_at,
            created_by: person(item.created_by),
            updated_by: person(item.updated_by),
            version: item.version,
            source: item.source.map(NodeSource::from),
        }
    }
}

/// Id and name.
#[derive(Serialize, ToSchema)]
pub struct NamedNode {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
}

impl From<Named> for NamedNode {
    fn from(named: Named) -> Self {
        Self { id: named.id, name: named.name }
    }
}

/// All of them.
pub fn named(all: Vec<Named>) -> Vec<NamedNode> {
    all.into_iter().map(NamedNode::from).collect()
}

/// Names of a way from the root, without the root's own, which is never part of a path.
pub fn below_root(way: &[Named]) -> Vec<&str> {
    way.iter().skip(1).map(|step| step.name.as_str()).collect()
}

/// A file of an item.
#[derive(Serialize, ToSchema)]
pub struct NodeFile {
    /// Id.
    id: String,
    /// Stored name.
    filename: String,
    /// Name of the upload, where that is known.
    original_filename: Option<String>,
    /// Bytes, where that is known.
    size: Option<i64>,
    /// Media type, where that is known.
    content_type: Option<String>,
    /// When it came, where that is known.
    created_at: Option<DateTime<Utc>>,
    /// Who uploaded it; not for customers.
    uploaded_by: Option<String>,
    /// Where it can be read, with the gateway's prefix.
    url: String,
    /// Whether a browser shows it by itself.
    is_shown: bool,
}

impl NodeFile {
    /// As this reader may see it, behind `prefix`.
    pub fn of(file: FileRecord, reader: Reader, prefix: &str) -> Self {
        Self {
            url: format!("{prefix}/uploads/{}", paths::encode(&file.filename)),
            is_shown: super::files::is_shown(&file.filename),
            id: file.id,
            filename: file.filename,
            original_filename: file.original_filename,
            size: file.size,
            content_type: file.content_type,
            created_at: file.created_at,
            uploaded_by: file.uploaded_by.filter(|_| reader.is_staff),
        }
    }
}
