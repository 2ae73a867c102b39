//! Nodes of the graph as the domain's types. What upstream made has no times, versions and authors.

use chrono::{DateTime, SecondsFormat, Utc};
use neo4rs::{BoltMap, BoltString, BoltType, Row};
use serde::Deserialize;

use crate::{
    domain::{
        files::FileRecord,
        item::{ContentFormat, Item, Source},
        listing::Child,
        synced::SourceKind,
    },
    store::{StoreError, retry::Attempt},
};

/// Properties of an item.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Props {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) content: Option<String>,
    pub(super) content_format: Option<String>,
    pub(super) is_folder: Option<bool>,
    pub(super) is_attached: Option<bool>,
    pub(super) read_only: Option<bool>,
    pub(super) created_at: Option<String>,
    pub(super) updated_at: Option<String>,
    pub(super) created_by: Option<String>,
    pub(super) updated_by: Option<String>,
    pub(super) version: Option<i64>,
    pub(super) source: Option<String>,
    pub(super) source_id: Option<String>,
    pub(super) source_kind: Option<String>,
    pub(super) sync_run: Option<String>,
    pub(super) former_parent_id: Option<String>,
    pub(super) trashed_at: Option<String>,
    pub(super) trashed_by: Option<String>,
    pub(super) trashed_by_sync: Option<bool>,
    pub(super) excerpt: Option<String>,
}

impl Props {
    pub(super) fn of(row: &Row, key: &str) -> Attempt<Self> {
        Ok(row.get(key)?)
    }

    pub(super) fn is_folder(&self) -> bool {
        self.is_folder.unwrap_or_default()
    }

    pub(super) fn read_only(&self) -> bool {
        self.read_only.unwrap_or_default()
    }

    pub(super) fn name(&self) -> String {
        self.name.clone().unwrap_or_default()
    }

    pub(super) fn into_item(self, parent_id: Option<String>) -> Item {
        let source = self.source.zip(self.source_id).map(|(source, source_id)| Source {
            source,
            source_id,
            kind: SourceKind::of(self.source_kind.as_deref().unwrap_or_default()),
        });
        Item {
            id: self.id,
            parent_id,
            name: self.name.unwrap_or_default(),
            content: self.content.unwrap_or_default(),
            content_format: format(self.content_format.as_deref()),
            is_folder: self.is_folder.unwrap_or_default(),
            is_attached: self.is_attached.unwrap_or_default(),
            read_only: self.read_only.unwrap_or_default(),
            created_at: time(self.created_at.as_deref()),
            updated_at: time(self.updated_at.as_deref()),
            created_by: self.created_by,
            updated_by: self.updated_by,
            version: self.version.unwrap_or(1),
            source,
        }
    }
}

impl From<Props> for Child {
    fn from(props: Props) -> Self {
        Self {
            name: props.name(),
            is_folder: props.is_folder(),
            is_attached: props.is_attached.unwrap_or_default(),
            read_only: props.read_only(),
            updated_at: time(props.updated_at.as_deref()),
            updated_by: props.updated_by,
            excerpt: props.excerpt,
            id: props.id,
        }
    }
}

/// Properties of a file.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct FileProps {
    id: String,
    filename: Option<String>,
    original_filename: Option<String>,
    size: Option<i64>,
    content_type: Option<String>,
    uploaded_by: Option<String>,
    created_at: Option<String>,
    content_hash: Option<String>,
    pub(super) text: Option<String>,
}

impl From<FileProps> for FileRecord {
    fn from(props: FileProps) -> Self {
        Self {
            id: props.id,
            filename: props.filename.unwrap_or_default(),
            original_filename: props.original_filename,
            size: props.size,
            content_type: props.content_type,
            uploaded_by: props.uploaded_by,
            created_at: time(props.created_at.as_deref()),
            content_hash: props.content_hash,
        }
    }
}

pub(super) fn format(stored: Option<&str>) -> Option<ContentFormat> {
    stored.map(|stored| ContentFormat::of(Some(stored)))
}

/// A time as it is stored; none for what is no time.
pub(super) fn time(stored: Option<&str>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(stored?).ok().map(|time| time.to_utc())
}

/// A time as it is stored, to the microsecond. Such texts have the order of their times.
pub(super) fn iso(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A map for a parameter; a property whose value is null goes.
pub(super) fn map<const N: usize>(values: [(&str, BoltType); N]) -> BoltType {
    let mut map = BoltMap::with_capacity(N);
    for (key, value) in values {
        map.put(BoltString::from(key), value);
    }
    BoltType::Map(map)
}

/// A text of a row that must be there.
pub(super) fn text(row: &Row, key: &str) -> Attempt<String> {
    let missing = || StoreError::Failed(format!("the graph gave no {key}"));
    Ok(row.get::<Option<String>>(key)?.ok_or_else(missing)?)
}
