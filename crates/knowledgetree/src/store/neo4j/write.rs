//! Making, changing, moving and copying items.

use neo4rs::{BoltMap, BoltType, query};
use uuid::Uuid;

use super::{
    connection::{Server, Work},
    props::{Props, iso, map, text},
    read::way,
};
use crate::{
    domain::{
        item::{Author, ContentFormat, Expected, Item, ItemChange, Named, NewItem, ROOT_ID},
        order::{MAX_DEPTH, next_time, storable},
    },
    store::{
        Entity, StoreError,
        retry::Attempt,
        rules::{too_deep, wanted},
    },
};

/// An item and where it stands.
pub(super) struct Spot {
    pub(super) item: Item,
    /// From the root to the item, both included.
    pub(super) way: Vec<Named>,
}

impl Spot {
    pub(super) fn depth(&self) -> usize {
        self.way.len()
    }

    /// Whether the item is another one or below that.
    pub(super) fn is_in(&self, id: &str) -> bool {
        self.way.iter().any(|step| step.id == id)
    }
}

/// Where the item with an id stands, if it is in the tree.
pub(super) async fn spot(work: &mut Work, id: &str) -> Attempt<Option<Spot>> {
    let statement = concat!(
        "MATCH (n:ContextItem {id: $id})",
        way!(),
        "RETURN n, [step IN way | step {.id, .name}] AS way"
    );
    let Some(row) = work.row(query(statement).param("id", id)).await? else { return Ok(None) };
    let way: Vec<Named> = row.get("way")?;
    let parent = way.len().checked_sub(2).map(|parent| way[parent].id.clone());
    Ok(Some(Spot { item: Props::of(&row, "n")?.into_item(parent), way }))
}

pub(super) async fn found(work: &mut Work, id: &str) -> Attempt<Spot> {
    spot(work, id).await?.ok_or_else(|| StoreError::no_item(id).into())
}

/// The folder in which something is to be put.
pub(super) async fn parent(work: &mut Work, id: &str) -> Attempt<Spot> {
    let found = spot(work, id).await?.ok_or_else(|| StoreError::missing(Entity::Parent, id))?;
    if found.item.is_folder { Ok(found) } else { Err(StoreError::NotAFolder { id: id.to_owned() }.into()) }
}

/// Id of the child of a folder that has a name.
pub(super) async fn child(work: &mut Work, parent_id: &str, name: &str) -> Attempt<Option<String>> {
    let row = work.row(
        query(
            "MATCH (p:ContextItem {id: $parent}) WITH p MATCH (p)-[:PARENT_OF]->(n:ContextItem) WHERE n.name = $name
             RETURN n.id AS id LIMIT 1",
        )
        .param("parent", parent_id)
        .param("name", name),
    );
    row.await?.map(|row| text(&row, "id")).transpose()
}

/// An error where another child of the folder has the name.
pub(super) async fn name_is_free(work: &mut Work, parent_id: &str, name: &str, own_id: &str) -> Attempt<()> {
    match child(work, parent_id, name).await? {
        Some(existing_id) if existing_id != own_id => Err(StoreError::NameTaken { existing_id }.into()),
        _ => Ok(()),
    }
}

/// Properties of an item that nobody protects.
pub(super) fn new_props(
    id: &str,
    name: &str,
    content: &str,
    format: Option<ContentFormat>,
    flags: (bool, bool),
    author: &Author<'_>,
) -> BoltType {
    let at = iso(next_time(author.at, None));
    map([
        ("id", id.into()),
        ("name", name.into()),
        ("content", content.into()),
        ("content_format", format.map(ContentFormat::as_str).into()),
        ("is_folder", flags.0.into()),
        ("is_attached", (flags.0 && flags.1).into()),
        ("read_only", false.into()),
        ("created_at", at.as_str().into()),
        ("updated_at", at.as_str().into()),
        ("created_by", author.user.into()),
        ("updated_by", author.user.into()),
        ("version", 1.into()),
    ])
}

/// Makes an item in a folder.
pub(super) async fn insert(work: &mut Work, parent: &Spot, props: BoltType) -> Attempt<()> {
    if parent.depth() >= MAX_DEPTH {
        return Err(too_deep().into());
    }
    work.run(
        query("MATCH (p:ContextItem {id: $parent}) CREATE (p)-[:PARENT_OF]->(n:ContextItem) SET n = $props")
            .param("parent", parent.item.id.as_str())
            .param("props", props),
    )
    .await
}

pub(super) async fn create(server: &Server, item: &NewItem, author: &Author<'_>) -> Attempt<Item> {
    let mut work = server.begin().await?;
    let parent = parent(&mut work, &item.parent_id).await?;
    name_is_free(&mut work, &item.parent_id, &item.name, "").await?;
    let id = Uuid::new_v4().to_string();
    let content = item.content.as_ref().filter(|_| !item.is_folder);
    let text = content.map(|content| storable(&content.text)).unwrap_or_default();
    let format = content.map(|content| content.format);
    let props = new_props(&id, &item.name, &text, format, (item.is_folder, item.is_attached), author);
    insert(&mut work, &parent, props).await?;
    if let Some(content) = content {
        set_links(&mut work, &id, &content.links).await?;
    }
    let made = found(&mut work, &id).await?;
    work.commit().await?;
    Ok(made.item)
}

/// Notes to which items an article links now.
pub(super) async fn set_links(work: &mut Work, id: &str, links: &[String]) -> Attempt<()> {
    work.run(
        query(
            "MATCH (n:ContextItem {id: $id})
             CALL { WITH n MATCH (n)-[old:LINKS_TO]->(other) WHERE NOT other.id IN $links DELETE old }
             WITH n UNWIND $links AS link
             CALL { WITH link MATCH (other:ContextItem {id: link}) RETURN other
                UNION WITH link MATCH (other:TrashedItem {id: link}) RETURN other }
             WITH n, other WHERE other <> n MERGE (n)-[:LINKS_TO]->(other)",
        )
        .param("id", id)
        .param("links", links),
    )
    .await
}

/// Keeps the present state of an item as a former one. It hangs on the item by a relationship of our own, which no query of
/// upstream follows.
pub(super) async fn archive(work: &mut Work, label: &str, id: &str) -> Attempt<()> {
    debug_assert!(["ContextItem", "TrashedItem"].contains(&label));
    let statement = format!(
        "MATCH (n:{label} {{id: $id}})
         CREATE (n)-[:HAS_VERSION]->(:ItemVersion {{version: coalesce(n.version, 1), name: n.name, content: n.content,
            content_format: n.content_format, is_attached: coalesce(n.is_attached, false), at: n.updated_at, by: n.updated_by}})"
    );
    work.run(query(&statement).param("id", id)).await
}

pub(super) async fn update(
    server: &Server,
    id: &str,
    change: &ItemChange,
    expected: Option<Expected>,
    author: &Author<'_>,
) -> Attempt<Item> {
    let mut work = server.begin().await?;
    // Upstream writes without our lock, so the item itself is locked before it is looked at.
    work.run(query("MATCH (n:ContextItem {id: $id}) SET n.name = n.name").param("id", id)).await?;
    let current = found(&mut work, id).await?.item;
    let wanted = wanted(&current, change)?;
    if current.read_only {
        return Err(StoreError::ReadOnly { id: id.to_owned() }.into());
    }
    if expected.is_some_and(|expected| !expected.holds(&current)) {
        return Err(StoreError::Conflict { current: Box::new(current) }.into());
    }
    if let Some(content) = change.content.as_ref().filter(|_| !current.is_folder || id == ROOT_ID) {
        set_links(&mut work, id, &content.links).await?;
    }
    if wanted == current {
        work.commit().await?;
        return Ok(current);
    }
    if wanted.name != current.name {
        let parent_id = current.parent_id.as_deref().unwrap_or_default();
        name_is_free(&mut work, parent_id, &wanted.name, id).await?;
    }
    archive(&mut work, "ContextItem", id).await?;
    write(&mut work, &current, &wanted, author).await?;
    let changed = found(&mut work, id).await?;
    work.commit().await?;
    Ok(changed.item)
}

/// Makes an item, whose present state is kept already, as it is wanted.
pub(super) async fn write(work: &mut Work, current: &Item, wanted: &Item, author: &Author<'_>) -> Attempt<()> {
    let props = map([
        ("name", wanted.name.as_str().into()),
        ("content", wanted.content.as_str().into()),
        ("content_format", wanted.content_format.map(ContentFormat::as_str).into()),
        ("is_attached", wanted.is_attached.into()),
        ("updated_at", iso(next_time(author.at, current.updated_at)).into()),
        ("updated_by", author.user.into()),
        ("version", (current.version + 1).into()),
    ]);
    work.run(
        query("MATCH (n:ContextItem {id: $id}) SET n += $props")
            .param("id", current.id.as_str())
            .param("props", props),
    )
    .await
}

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
    work.run(query("MATCH (n:ContextItem {id: $id}) SET n += $props").param("id", id).param("props", props)).await?;
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
        query("MATCH (:ContextItem {id: $id})-[:PARENT_OF*0..]->(n:ContextItem) RETURN n.id AS id").param("id", id),
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
