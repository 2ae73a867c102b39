//! Moving and copying.

use neo4rs::{BoltMap, BoltType, query};
use uuid::Uuid;

use super::{
    connection::{Server, Work},
    props::{iso, map, text},
    write::{Spot, found, name_is_free, parent},
};
use crate::{
    domain::{
        item::{Author, Item, ROOT_ID},
        order::{MAX_DEPTH, next_time},
    },
    store::{StoreError, retry::Attempt, rules::too_deep},
};

/// The item, and the folder in which it is to be, looked at in the order that the contract states.
async fn both(work: &mut Work, id: &str, parent_id: &str) -> Attempt<(Spot, Spot)> {
    if id == ROOT_ID {
        return Err(StoreError::Root.into());
    }
    let item = found(work, id).await?;
    let parent = parent(work, parent_id).await?;
    if parent.is_in(id) { Err(StoreError::Cycle.into()) } else { Ok((item, parent)) }
}

pub(super) async fn move_to(server: &Server, id: &str, parent_id: &str, author: &Author<'_>) -> Attempt<()> {
    let mut work = server.begin().await?;
    let (item, parent) = both(&mut work, id, parent_id).await?;
    if item.item.read_only {
        return Err(StoreError::ReadOnly { id: id.to_owned() }.into());
    }
    if item.item.parent_id.as_deref() == Some(parent_id) {
        return Ok(());
    }
    name_is_free(&mut work, parent_id, &item.item.name, id).await?;
    fits(&mut work, "ContextItem", id, parent.depth()).await?;
    hang(&mut work, id, parent_id).await?;
    let props = map([
        ("updated_at", iso(next_time(author.at, item.item.updated_at)).into()),
        ("updated_by", author.user.into()),
    ]);
    work.run(query("MATCH (n:ContextItem {id: $id}) SET n += $props").param("id", id).param("props", props))
        .await?;
    work.commit().await
}

/// Puts an item under a folder, wherever it was.
pub(super) async fn hang(work: &mut Work, id: &str, parent_id: &str) -> Attempt<()> {
    work.run(
        query(
            "MATCH (n:ContextItem {id: $id}), (p:ContextItem {id: $parent})
             CALL { WITH n MATCH (n)<-[old:PARENT_OF]-() DELETE old }
             CREATE (p)-[:PARENT_OF]->(n)",
        )
        .param("id", id)
        .param("parent", parent_id),
    )
    .await
}

/// An error where a subtree would become too deep under a folder.
pub(super) async fn fits(work: &mut Work, label: &str, id: &str, parent_depth: usize) -> Attempt<()> {
    debug_assert!(["ContextItem", "TrashedItem"].contains(&label));
    let statement = format!(
        "MATCH (n:{label} {{id: $id}}) MATCH way = (n)-[:PARENT_OF*0..]->() RETURN max(length(way)) + 1 AS deep"
    );
    let row = work.row(query(&statement).param("id", id)).await?;
    let deep = row.map(|row| row.get::<Option<i64>>("deep")).transpose()?.flatten().unwrap_or_default();
    let deep = usize::try_from(deep).unwrap_or_default();
    if parent_depth + deep > MAX_DEPTH { Err(too_deep().into()) } else { Ok(()) }
}

pub(super) async fn copy(
    server: &Server,
    id: &str,
    parent_id: &str,
    name: Option<&str>,
    author: &Author<'_>,
) -> Attempt<Item> {
    let mut work = server.begin().await?;
    let (item, parent) = both(&mut work, id, parent_id).await?;
    let name = name.unwrap_or(&item.item.name).to_owned();
    name_is_free(&mut work, parent_id, &name, "").await?;
    fits(&mut work, "ContextItem", id, parent.depth()).await?;
    let rows = work.rows(
        query("MATCH (:ContextItem {id: $id})-[:PARENT_OF*0..]->(n:ContextItem) RETURN n.id AS id")
            .param("id", id),
    );
    let mut copies = Vec::new();
    let mut new_ids = BoltMap::default();
    let mut top = String::new();
    for row in rows.await? {
        let (old, new) = (text(&row, "id")?, Uuid::new_v4().to_string());
        if old == id {
            top.clone_from(&new);
        }
        new_ids.put(old.as_str().into(), new.as_str().into());
        copies.push(map([("old", old.into()), ("new", new.into())]));
    }
    let (copies, new_ids) = (BoltType::from(copies), BoltType::Map(new_ids));
    let at = iso(next_time(author.at, None));
    for statement in [
        "UNWIND $copies AS row MATCH (o:ContextItem {id: row.old})
         CREATE (c:ContextItem {id: row.new, name: o.name, content: o.content, content_format: o.content_format,
            is_folder: o.is_folder, is_attached: o.is_attached, read_only: false, created_at: $at, updated_at: $at, created_by: $by,
            updated_by: $by, version: 1})",
        "UNWIND $copies AS row MATCH (c:ContextItem {id: row.new}), (o:ContextItem {id: row.old})
         MATCH (o)-[:PARENT_OF]->(below:ContextItem) WITH c, below.id AS old
         MATCH (d:ContextItem {id: $new_ids[old]}) CREATE (c)-[:PARENT_OF]->(d)",
        "UNWIND $copies AS row MATCH (o:ContextItem {id: row.old})-[:LINKS_TO]->(to), (c:ContextItem {id: row.new})
         MERGE (c)-[:LINKS_TO]->(to)",
        // Files whose bytes are kept by hash; others have their bytes under their own name, which a copy cannot share.
        "UNWIND $copies AS row MATCH (:ContextItem {id: row.old})-[:HAS_FILE]->(f:File), (c:ContextItem {id: row.new})
         WHERE f.content_hash IS NOT NULL WITH c, f, randomUUID() AS id
         CREATE (c)-[:HAS_FILE]->(g:File) SET g = f, g.id = id, g.uploaded_by = $by, g.created_at = $at,
            g.filename = id + CASE WHEN f.filename CONTAINS '.' THEN '.' + last(split(f.filename, '.')) ELSE '' END",
    ] {
        let copying = query(statement).param("copies", copies.clone()).param("new_ids", new_ids.clone());
        work.run(copying.param("at", at.as_str()).param("by", author.user)).await?;
    }
    work.run(
        query("MATCH (p:ContextItem {id: $parent}), (n:ContextItem {id: $id}) SET n.name = $name CREATE (p)-[:PARENT_OF]->(n)")
            .param("parent", parent_id)
            .param("id", top.as_str())
            .param("name", name),
    )
    .await?;
    let copied = found(&mut work, &top).await?;
    work.commit().await?;
    Ok(copied.item)
}
