//! Records of files, and former states of items.

use neo4rs::query;
use serde::Deserialize;

use super::{
    connection::Server,
    props::{FileProps, format, iso, map, text, time},
    read::{item, visible},
    write::found,
};
use crate::{
    domain::{
        files::{FileRecord, NewFile, sort_files},
        history::{Version, VersionSummary},
        item::{Author, Item, Visibility},
        order::{next_time, storable},
    },
    store::{Entity, StoreError, retry::Attempt},
};

pub(super) async fn add(server: &Server, item_id: &str, file: &NewFile, author: &Author<'_>) -> Attempt<FileRecord> {
    let mut work = server.begin().await?;
    found(&mut work, item_id).await?;
    let props = map([
        ("id", file.id.as_str().into()),
        ("filename", file.filename.as_str().into()),
        ("original_filename", file.original_filename.as_str().into()),
        ("size", file.size.into()),
        ("content_type", file.content_type.as_str().into()),
        ("uploaded_by", author.user.into()),
        ("created_at", iso(next_time(author.at, None)).into()),
        ("content_hash", file.content_hash.as_str().into()),
        ("text", file.text.as_deref().map(storable).into()),
    ]);
    let row = work.row(
        query(
            "MATCH (n:ContextItem {id: $item}) CREATE (n)-[:HAS_FILE]->(f:File) SET f = $props
             RETURN f {.*, text: null} AS f",
        )
        .param("item", item_id)
        .param("props", props),
    );
    let made = row.await?.ok_or_else(|| StoreError::no_item(item_id))?.get::<FileProps>("f")?;
    work.commit().await?;
    Ok(made.into())
}

pub(super) async fn of_item(server: &Server, item_id: &str, visibility: Visibility) -> Attempt<Vec<FileRecord>> {
    visible(server, item_id, visibility).await?;
    let rows = server.read(
        query("MATCH (:ContextItem {id: $id})-[:HAS_FILE]->(f:File) RETURN f {.*, text: null} AS f").param("id", item_id),
    );
    let mut files = Vec::new();
    for row in rows.await? {
        files.push(FileRecord::from(row.get::<FileProps>("f")?));
    }
    sort_files(&mut files);
    Ok(files)
}

pub(super) async fn by_stored_name(
    server: &Server,
    filename: &str,
    visibility: Visibility,
) -> Attempt<(FileRecord, String)> {
    let missing = || StoreError::missing(Entity::File, filename);
    let rows = server.read(
        query(
            "MATCH (n:ContextItem)-[:HAS_FILE]->(f:File {filename: $filename})
             RETURN f {.*, text: null} AS f, n.id AS id LIMIT 1",
        )
        .param("filename", filename),
    );
    let rows = rows.await?;
    let row = rows.first().ok_or_else(missing)?;
    let owner = text(row, "id")?;
    visible(server, &owner, visibility).await.map_err(|_| missing())?;
    Ok((row.get::<FileProps>("f")?.into(), owner))
}

pub(super) async fn delete(server: &Server, file_id: &str) -> Attempt<FileRecord> {
    let mut work = server.begin().await?;
    let row = work.row(
        query(
            "MATCH (:ContextItem)-[:HAS_FILE]->(f:File {id: $id})
             WITH f, f {.*, text: null} AS gone DETACH DELETE f RETURN gone",
        )
        .param("id", file_id),
    );
    let row = row.await?.ok_or_else(|| StoreError::missing(Entity::File, file_id))?;
    let gone = row.get::<FileProps>("gone")?;
    work.commit().await?;
    Ok(gone.into())
}

pub(super) async fn unreferenced(server: &Server, hashes: &[String]) -> Attempt<Vec<String>> {
    let rows = server.read(
        query(
            "UNWIND $hashes AS hash WITH hash WHERE NOT EXISTS { MATCH (:File {content_hash: hash}) } RETURN hash",
        )
        .param("hashes", hashes),
    );
    rows.await?.iter().map(|row| text(row, "hash")).collect()
}

/// A former state as it is stored.
#[derive(Deserialize)]
pub(super) struct VersionProps {
    version: i64,
    name: Option<String>,
    content: Option<String>,
    content_format: Option<String>,
    is_attached: Option<bool>,
    at: Option<String>,
    by: Option<String>,
}

impl From<VersionProps> for Version {
    fn from(props: VersionProps) -> Self {
        Self {
            version: props.version,
            name: props.name.unwrap_or_default(),
            content: props.content.unwrap_or_default(),
            content_format: format(props.content_format.as_deref()),
            is_attached: props.is_attached.unwrap_or_default(),
            at: time(props.at.as_deref()),
            by: props.by,
        }
    }
}

fn present(item: Item) -> Version {
    Version {
        version: item.version,
        name: item.name,
        content: item.content,
        content_format: item.content_format,
        is_attached: item.is_attached,
        at: item.updated_at,
        by: item.updated_by,
    }
}

fn summary(version: Version) -> VersionSummary {
    VersionSummary {
        version: version.version,
        name: version.name,
        // Counted here: the server counts the halves of rare characters.
        chars: i64::try_from(version.content.chars().count()).unwrap_or(i64::MAX),
        at: version.at,
        by: version.by,
    }
}

pub(super) async fn versions(server: &Server, id: &str, visibility: Visibility) -> Attempt<Vec<VersionSummary>> {
    let item = item(server, id, visibility).await?;
    let rows = server.read(
        query("MATCH (:ContextItem {id: $id})-[:HAS_VERSION]->(v:ItemVersion) RETURN v ORDER BY v.version DESC")
            .param("id", id),
    );
    let mut versions = vec![summary(present(item))];
    for row in rows.await? {
        versions.push(summary(row.get::<VersionProps>("v")?.into()));
    }
    Ok(versions)
}

pub(super) async fn version(server: &Server, id: &str, version: i64, visibility: Visibility) -> Attempt<Version> {
    let item = item(server, id, visibility).await?;
    if item.version == version {
        return Ok(present(item));
    }
    let rows = server.read(
        query("MATCH (:ContextItem {id: $id})-[:HAS_VERSION]->(v:ItemVersion {version: $version}) RETURN v LIMIT 1")
            .param("id", id)
            .param("version", version),
    );
    let rows = rows.await?;
    let row = rows.first().ok_or_else(|| StoreError::missing(Entity::Version, &version.to_string()))?;
    Ok(row.get::<VersionProps>("v")?.into())
}

/// Text of a file, and its record.
pub(super) fn with_text(props: FileProps) -> (FileRecord, Option<String>) {
    let text = props.text.clone();
    (props.into(), text)
}
