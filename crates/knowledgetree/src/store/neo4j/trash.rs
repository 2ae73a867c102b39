//! What was deleted: nodes with the label `TrashedItem` instead of `ContextItem`, so that no query for the tree, ours or upstream's,
//! finds them. The topmost one of a subtree has the time of its deletion.

use chrono::{DateTime, Utc};
use neo4rs::query;

use super::{
    connection::{Server, Work},
    props::{FileProps, Props, iso, map, text, time},
    write::{archive, fits, found, name_is_free, parent, spot},
};
use crate::{
    domain::{
        item::{Author, Item, ROOT_ID},
        order::next_time,
        trash::{Purged, TrashEntry},
    },
    store::{Entity, StoreError, retry::Attempt},
};

/// Items after which no further subtree is removed in one go.
const PURGE_AT_A_TIME: i64 = 1000;

pub(super) async fn trash(server: &Server, id: &str, author: &Author<'_>) -> Attempt<u64> {
    if id == ROOT_ID {
        return Err(StoreError::Root.into());
    }
    let mut work = server.begin().await?;
    found(&mut work, id).await?;
    if !author.is_admin {
        let protected = work.row(
            query(
                "MATCH way = (:ContextItem {id: $id})-[:PARENT_OF*0..]->(n:ContextItem) WHERE n.read_only
                 RETURN n.id AS id ORDER BY length(way) LIMIT 1",
            )
            .param("id", id),
        );
        if let Some(row) = protected.await? {
            return Err(StoreError::ReadOnly { id: text(&row, "id")? }.into());
        }
    }
    let items = put_away(&mut work, id, author, false).await?;
    work.commit().await?;
    Ok(items)
}

/// Takes a subtree out of the tree; its items.
pub(super) async fn put_away(work: &mut Work, id: &str, author: &Author<'_>, by_sync: bool) -> Attempt<u64> {
    let row = work.row(
        query(
            "MATCH (top:ContextItem {id: $id})
             OPTIONAL MATCH (parent:ContextItem)-[place:PARENT_OF]->(top)
             SET top.former_parent_id = parent.id, top.trashed_at = $at, top.trashed_by = $by, top.trashed_by_sync = $by_sync
             DELETE place
             WITH DISTINCT top MATCH (top)-[:PARENT_OF*0..]->(n:ContextItem)
             WITH collect(DISTINCT n) AS all
             FOREACH (n IN all | SET n:TrashedItem REMOVE n:ContextItem)
             RETURN size(all) AS items",
        )
        .param("id", id)
        .param("at", iso(next_time(author.at, None)))
        .param("by", author.user)
        .param("by_sync", by_sync),
    );
    let items = row.await?.map(|row| row.get::<i64>("items")).transpose()?.unwrap_or_default();
    Ok(u64::try_from(items).unwrap_or_default())
}

/// Brings a subtree of the trash back, without a place yet.
pub(super) async fn take_back(work: &mut Work, id: &str) -> Attempt<()> {
    work.run(
        query(
            "MATCH (top:TrashedItem {id: $id})
             OPTIONAL MATCH ()-[place:PARENT_OF]->(top) DELETE place
             WITH DISTINCT top
             REMOVE top.former_parent_id, top.trashed_at, top.trashed_by, top.trashed_by_sync
             WITH top MATCH (top)-[:PARENT_OF*0..]->(n:TrashedItem)
             WITH collect(DISTINCT n) AS all
             FOREACH (n IN all | SET n:ContextItem REMOVE n:TrashedItem)",
        )
        .param("id", id),
    )
    .await
}

pub(super) async fn trashed(server: &Server) -> Attempt<Vec<TrashEntry>> {
    let rows = server.read(query(
        "MATCH (top:TrashedItem) WHERE top.trashed_at IS NOT NULL
         OPTIONAL MATCH (parent:ContextItem {id: top.former_parent_id})
         CALL { WITH top MATCH (top)-[:PARENT_OF*0..]->(n:TrashedItem)
            RETURN count(n) AS items, sum(CASE WHEN n.source IS NULL THEN 1 ELSE 0 END) AS own_items }
         RETURN top {.id, .name, .is_folder, .former_parent_id, .trashed_at, .trashed_by, .trashed_by_sync} AS top,
            parent.name AS parent_name, items, own_items
         ORDER BY top.trashed_at DESC, top.id",
    ));
    let mut entries = Vec::new();
    for row in rows.await? {
        let top = Props::of(&row, "top")?;
        let Some(trashed_at) = time(top.trashed_at.as_deref()) else { continue };
        entries.push(TrashEntry {
            name: top.name(),
            is_folder: top.is_folder(),
            former_parent_id: top.former_parent_id,
            former_parent_name: row.get("parent_name")?,
            trashed_at,
            trashed_by: top.trashed_by,
            items: row.get("items")?,
            by_sync: top.trashed_by_sync.unwrap_or_default(),
            own_items: row.get("own_items")?,
            id: top.id,
        });
    }
    Ok(entries)
}

/// The topmost item of a subtree in the trash.
async fn find(work: &mut Work, id: &str) -> Attempt<Props> {
    let row = work.row(
        query("MATCH (n:TrashedItem {id: $id}) WHERE n.trashed_at IS NOT NULL RETURN n {.*, content: null} AS n")
            .param("id", id),
    );
    let row = row.await?.ok_or_else(|| StoreError::missing(Entity::Trash, id))?;
    Props::of(&row, "n")
}

pub(super) async fn restore(server: &Server, id: &str, name: Option<&str>, author: &Author<'_>) -> Attempt<Item> {
    let mut work = server.begin().await?;
    let entry = find(&mut work, id).await?;
    let former = match &entry.former_parent_id {
        Some(former) => spot(&mut work, former).await?.filter(|former| former.item.is_folder),
        None => None,
    };
    let parent = match former {
        Some(former) => former,
        None => parent(&mut work, ROOT_ID).await?,
    };
    let old_name = entry.name();
    let name = name.unwrap_or(&old_name);
    name_is_free(&mut work, &parent.item.id, name, id).await?;
    fits(&mut work, "TrashedItem", id, parent.depth()).await?;
    let version = entry.version.unwrap_or(1);
    if name != old_name {
        archive(&mut work, "TrashedItem", id).await?;
    }
    take_back(&mut work, id).await?;
    super::write::hang(&mut work, id, &parent.item.id).await?;
    let props = map([
        ("name", name.into()),
        ("updated_at", iso(next_time(author.at, time(entry.updated_at.as_deref()))).into()),
        ("updated_by", author.user.into()),
        ("version", (version + i64::from(name != old_name)).into()),
    ]);
    work.run(query("MATCH (n:ContextItem {id: $id}) SET n += $props").param("id", id).param("props", props)).await?;
    let restored = found(&mut work, id).await?;
    work.commit().await?;
    Ok(restored.item)
}

pub(super) async fn purge(server: &Server, id: &str) -> Attempt<Purged> {
    let mut work = server.begin().await?;
    find(&mut work, id).await?;
    let mut purged = Purged::default();
    remove(&mut work, id, &mut purged).await?;
    work.commit().await?;
    Ok(purged)
}

pub(super) async fn purge_expired(server: &Server, before: DateTime<Utc>) -> Attempt<Purged> {
    let mut work = server.begin().await?;
    let rows = work.rows(
        query(
            "MATCH (top:TrashedItem) WHERE top.trashed_at < $before
             AND NOT (coalesce(top.trashed_by_sync, false)
                AND EXISTS { (top)-[:PARENT_OF*0..]->(n:TrashedItem) WHERE n.source IS NULL })
             RETURN top.id AS id ORDER BY top.trashed_at, top.id LIMIT $limit",
        )
        .param("before", iso(before))
        .param("limit", PURGE_AT_A_TIME),
    );
    let mut purged = Purged::default();
    for row in rows.await? {
        if purged.items >= PURGE_AT_A_TIME {
            break;
        }
        remove(&mut work, &text(&row, "id")?, &mut purged).await?;
    }
    work.commit().await?;
    Ok(purged)
}

async fn remove(work: &mut Work, id: &str, purged: &mut Purged) -> Attempt<()> {
    let files = work.rows(
        query(
            "MATCH (:TrashedItem {id: $id})-[:PARENT_OF*0..]->(:TrashedItem)-[:HAS_FILE]->(f:File)
             RETURN f {.*, text: null} AS f ORDER BY f.id",
        )
        .param("id", id),
    );
    for row in files.await? {
        purged.files.push(row.get::<FileProps>("f")?.into());
    }
    let row = work.row(
        query(
            "MATCH (:TrashedItem {id: $id})-[:PARENT_OF*0..]->(n:TrashedItem)
             OPTIONAL MATCH (n)-[:HAS_FILE|HAS_VERSION]->(own)
             WITH collect(DISTINCT n) AS items, collect(DISTINCT own) AS owned, count(DISTINCT n) AS number
             FOREACH (n IN owned | DETACH DELETE n)
             FOREACH (n IN items | DETACH DELETE n)
             RETURN number",
        )
        .param("id", id),
    );
    purged.items += row.await?.map(|row| row.get::<i64>("number")).transpose()?.unwrap_or_default();
    Ok(())
}
