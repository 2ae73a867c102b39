//! Rows of the tables as the domain's types.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::{
    domain::{
        item::{COMPANIES_ID, COMPANIES_NAME, ContentFormat, Item, ROOT_ID, Source, Visibility},
        synced::{COMPANIES_SOURCE_ID, SourceKind},
    },
    store::{Entity, StoreError, retry::Attempt},
};

/// Key of the root.
pub(super) const ROOT_KEY: i64 = 1;
/// The way of the root, with which the way of everything in the tree begins.
pub(super) const ROOT_PATH: &str = "1.";

/// An item and where it stands.
pub(super) struct ItemRow {
    pub(super) key: i64,
    pub(super) path: String,
    pub(super) id: String,
    pub(super) parent_id: Option<String>,
    pub(super) name: String,
    pub(super) content: String,
    pub(super) content_format: Option<String>,
    pub(super) is_folder: bool,
    pub(super) is_attached: bool,
    pub(super) read_only: bool,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) created_by: Option<String>,
    pub(super) updated_by: Option<String>,
    pub(super) version: i64,
    pub(super) source: Option<String>,
    pub(super) source_id: Option<String>,
    pub(super) source_kind: Option<String>,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        let source = row.source.zip(row.source_id).map(|(source, source_id)| Source {
            source,
            source_id,
            kind: SourceKind::of(row.source_kind.as_deref().unwrap_or_default()),
        });
        Self {
            id: row.id,
            parent_id: row.parent_id,
            name: row.name,
            content: row.content,
            content_format: format(row.content_format.as_deref()),
            is_folder: row.is_folder,
            is_attached: row.is_attached,
            read_only: row.read_only,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
            updated_by: row.updated_by,
            version: row.version,
            source,
        }
    }
}

pub(super) fn format(stored: Option<&str>) -> Option<ContentFormat> {
    stored.map(|stored| ContentFormat::of(Some(stored)))
}

/// Items of the tree, as [`ItemRow`]s; the end of the statement says which.
macro_rules! items {
    ($end:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::store::postgres::rows::ItemRow,
            r#"
            select i.key, p.path, i.id, parent.id as "parent_id?", i.name, i.content, i.content_format, i.is_folder, i.is_attached,
                i.read_only, i.created_at, i.updated_at, i.created_by, i.updated_by, i.version, s.source as "source?",
                s.source_id as "source_id?", s.source_kind as "source_kind?"
            from context_items i
            join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
            left join context_items parent on parent.key = i.parent_key
            left join synced_items s on s.item_key = i.key
            "# + $end
            $(, $argument)*
        )
    };
}
pub(super) use items;

/// Where an item of the tree stands.
pub(super) struct Spot {
    pub(super) key: i64,
    pub(super) path: String,
    pub(super) is_folder: bool,
    pub(super) read_only: bool,
}

impl Spot {
    /// Items on its way, itself included.
    pub(super) fn depth(&self) -> usize {
        depth(&self.path)
    }

    /// The first way behind all that are below it.
    pub(super) fn end(&self) -> String {
        end(&self.path)
    }
}

/// Items on a way.
pub(super) fn depth(path: &str) -> usize {
    path.bytes().filter(|byte| *byte == b'.').count()
}

/// The first way behind all that begin with this one.
pub(super) fn end(path: &str) -> String {
    // The sign that follows the full stop.
    format!("{}/", path.trim_end_matches('.'))
}

/// Where the item with an id stands, if it is in the tree.
pub(super) async fn spot(connection: &mut PgConnection, id: &str) -> sqlx::Result<Option<Spot>> {
    if unstorable(id) {
        return Ok(None);
    }
    sqlx::query_as!(
        Spot,
        r#"
        select i.key, p.path, i.is_folder, i.read_only
        from context_items i join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
        where i.id = $1
        "#,
        id
    )
    .fetch_optional(connection)
    .await
}

/// The folder in which something is to be put.
pub(super) async fn parent(connection: &mut PgConnection, id: &str) -> Attempt<Spot> {
    let found = spot(connection, id).await?.ok_or_else(|| StoreError::missing(Entity::Parent, id))?;
    if found.is_folder { Ok(found) } else { Err(StoreError::NotAFolder { id: id.to_owned() }.into()) }
}

/// A text that PostgreSQL cannot hold, so that nothing has it as its id.
pub(super) fn unstorable(text: &str) -> bool {
    text.contains('\0')
}

/// The ways of what a reader does not see.
pub(super) async fn hidden(pool: &PgPool, visibility: Visibility) -> sqlx::Result<Vec<String>> {
    if visibility == Visibility::All {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        r#"
        select p.path from context_items i join tree_paths p on p.item_key = i.key
        where i.id = $1 or i.parent_key = 1 and i.name = $2
            or i.key in (select item_key from synced_items where source_id = $3 and source_kind = 'group')
        "#,
        COMPANIES_ID,
        COMPANIES_NAME,
        COMPANIES_SOURCE_ID
    )
    .fetch_all(pool)
    .await
}

/// Whether a way leads through something hidden.
pub(super) fn is_hidden(path: &str, hidden: &[String]) -> bool {
    hidden.iter().any(|hidden| path.starts_with(hidden))
}

/// Whether it is the root, of which most things cannot be done.
pub(super) fn is_root(id: &str) -> bool {
    id == ROOT_ID
}
