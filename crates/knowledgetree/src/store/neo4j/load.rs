//! Rows on their way in: loading a dump, importing by path, emptying.

use std::collections::HashMap;

use neo4rs::{BoltType, query};
use uuid::Uuid;

use super::{
    connection::{Server, Work},
    props::{iso, map, text},
    schema,
    write::{Spot, archive, child, found, insert, new_props, set_links, write},
};
use crate::{
    domain::{
        item::{Author, ContentFormat, ROOT_ID},
        order::storable,
        records::{ImportReport, ImportRow, ItemRecord, Record},
        synced::SourceKind,
    },
    store::{
        StoreError,
        retry::Attempt,
        rules::{import_order, imported},
    },
};

pub(super) async fn wipe(server: &Server) -> Attempt<()> {
    let mut work = server.begin().await?;
    // All but the lock, for which others wait already.
    work.run(query("MATCH (n) WHERE NOT n:TreeLock DETACH DELETE n")).await?;
    work.run(schema::root()).await?;
    work.commit().await
}

pub(super) async fn import(server: &Server, rows: &[ImportRow], author: &Author<'_>) -> Attempt<ImportReport> {
    let rows = import_order(rows)?;
    let mut work = server.begin().await?;
    let mut folders: HashMap<Vec<String>, Spot> = HashMap::new();
    folders.insert(Vec::new(), found(&mut work, ROOT_ID).await?);
    let mut report = ImportReport::default();
    for row in rows {
        let shown = row.path.join("/");
        let Some((name, above)) = row.path.split_last() else { continue };
        let missing = || StoreError::Invalid(format!("The folder of {shown} does not exist"));
        if !folders.contains_key(above) {
            let folder = walk(&mut work, above).await?.ok_or_else(missing)?;
            folders.insert(above.to_vec(), folder);
        }
        let parent = folders.get(above).ok_or_else(missing)?;
        let spot = one(&mut work, parent, name, row, author, &mut report).await?;
        if spot.item.is_folder {
            folders.insert(row.path.clone(), spot);
        }
    }
    work.commit().await?;
    Ok(report)
}

/// The folder at a path that is not part of the import.
async fn walk(work: &mut Work, path: &[String]) -> Attempt<Option<Spot>> {
    let mut id = ROOT_ID.to_owned();
    for name in path {
        match child(work, &id, name).await? {
            Some(child) => id = child,
            None => return Ok(None),
        }
    }
    let spot = found(work, &id).await?;
    Ok(spot.item.is_folder.then_some(spot))
}

async fn one(
    work: &mut Work,
    parent: &Spot,
    name: &str,
    row: &ImportRow,
    author: &Author<'_>,
    report: &mut ImportReport,
) -> Attempt<Spot> {
    let id = match child(work, &parent.item.id, name).await? {
        None if row.is_reference => {
            return Err(StoreError::Invalid(format!("{} does not exist", row.path.join("/"))).into());
        }
        None => {
            let id = Uuid::new_v4().to_string();
            let content = if row.is_folder { String::new() } else { storable(&row.content) };
            let format = (!row.is_folder).then_some(row.content_format);
            let props = new_props(&id, name, &content, format, (row.is_folder, row.is_attached), author);
            insert(work, parent, props).await?;
            report.created += 1;
            id
        }
        Some(id) => {
            let current = found(work, &id).await?.item;
            match imported(&current, row)? {
                Some(wanted) => {
                    archive(work, "ContextItem", &id).await?;
                    write(work, &current, &wanted, author).await?;
                    report.updated += 1;
                }
                None => report.unchanged += 1,
            }
            id
        }
    };
    if !row.is_folder && !row.is_reference {
        set_links(work, &id, &row.links).await?;
    }
    found(work, &id).await
}

pub(super) async fn load(server: &Server, records: &[Record]) -> Attempt<()> {
    let mut work = server.begin().await?;
    let mut batch = Batch::default();
    for record in records {
        batch.add(record)?;
    }
    items(&mut work, &batch).await?;
    for (statement, rows) in batch.rest {
        let asked = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let row = work.row(query(statement).param("rows", BoltType::from(rows))).await?;
        let done = row.map(|row| row.get::<i64>("done")).transpose()?.unwrap_or_default();
        if done < asked {
            return Err(StoreError::Invalid("a record names an item which is not there".to_owned()).into());
        }
    }
    work.commit().await
}

/// Records by what stores them.
#[derive(Default)]
struct Batch {
    tree: Vec<BoltType>,
    trash: Vec<BoltType>,
    /// Child and parent.
    places: Vec<BoltType>,
    parents: Vec<String>,
    /// Statements with their rows, in order. Each says in `done` how many rows found what they name.
    rest: Vec<(&'static str, Vec<BoltType>)>,
}

/// The item that a row names, in the tree or in the trash.
macro_rules! with_item {
    ($rest:literal) => {
        concat!(
            "UNWIND $rows AS row
             CALL { WITH row MATCH (n:ContextItem {id: row.item}) RETURN n UNION WITH row MATCH (n:TrashedItem {id: row.item}) RETURN n } ",
            $rest,
            " RETURN count(*) AS done"
        )
    };
}

impl Batch {
    fn add(&mut self, record: &Record) -> Attempt<()> {
        match record {
            Record::Item(item) => self.item(item)?,
            Record::Version { item_id, version } => {
                let props = map([
                    ("version", version.version.into()),
                    ("name", version.name.as_str().into()),
                    ("content", version.content.as_str().into()),
                    ("content_format", version.content_format.map(ContentFormat::as_str).into()),
                    ("is_attached", version.is_attached.into()),
                    ("at", version.at.map(iso).into()),
                    ("by", version.by.as_deref().into()),
                ]);
                let row = [("item", item_id.as_str().into()), ("version", version.version.into()), ("props", props)];
                self.push(with_item!("MERGE (n)-[:HAS_VERSION]->(v:ItemVersion {version: row.version}) SET v = row.props"), map(row));
            }
            Record::Link { from, to } => self.push(
                with_item!(
                    "CALL { WITH row MATCH (m:ContextItem {id: row.to}) RETURN m UNION WITH row MATCH (m:TrashedItem {id: row.to}) RETURN m }
                     MERGE (n)-[:LINKS_TO]->(m)"
                ),
                map([("item", from.as_str().into()), ("to", to.as_str().into())]),
            ),
            Record::File { item_id, file, text } => {
                let props = map([
                    ("id", file.id.as_str().into()),
                    ("filename", file.filename.as_str().into()),
                    ("original_filename", file.original_filename.as_deref().into()),
                    ("size", file.size.into()),
                    ("content_type", file.content_type.as_deref().into()),
                    ("uploaded_by", file.uploaded_by.as_deref().into()),
                    ("created_at", file.created_at.map(iso).into()),
                    ("content_hash", file.content_hash.as_deref().into()),
                    ("text", text.as_deref().into()),
                ]);
                let row = [("item", item_id.as_str().into()), ("id", file.id.as_str().into()), ("props", props)];
                self.push(
                    with_item!(
                        "MERGE (f:File {id: row.id}) SET f = row.props
                         WITH n, f CALL { WITH f MATCH ()-[old:HAS_FILE]->(f) DELETE old } CREATE (n)-[:HAS_FILE]->(f)"
                    ),
                    map(row),
                );
            }
            Record::Company { id, name, account_number, updated_at } => self.push(
                "UNWIND $rows AS row MERGE (c:Company {id: row.id})
                 SET c.name = row.name, c.account_number = row.account_number, c.updated_at = datetime(row.updated_at)
                 RETURN count(*) AS done",
                map([
                    ("id", id.as_str().into()),
                    ("name", name.as_deref().into()),
                    ("account_number", account_number.as_deref().into()),
                    ("updated_at", updated_at.map(iso).into()),
                ]),
            ),
            Record::CompanyContext { company_id, item_id } => self.push(
                with_item!("MATCH (c:Company {id: row.company}) MERGE (c)-[:HAS_CONTEXT]->(n)"),
                map([("company", company_id.as_str().into()), ("item", item_id.as_str().into())]),
            ),
            Record::TicketContext { number, item_id } => self.push(
                with_item!("MERGE (t:Ticket {number: row.number}) MERGE (t)-[:HAS_CONTEXT]->(n)"),
                map([("number", number.as_str().into()), ("item", item_id.as_str().into())]),
            ),
            Record::State { key, value } => self.push(
                "UNWIND $rows AS row MERGE (s:JobState {key: row.key}) SET s.value = row.value RETURN count(*) AS done",
                map([("key", key.as_str().into()), ("value", value.as_str().into())]),
            ),
        }
        Ok(())
    }

    fn push(&mut self, statement: &'static str, row: BoltType) {
        match self.rest.last_mut() {
            Some((last, rows)) if *last == statement => rows.push(row),
            _ => self.rest.push((statement, vec![row])),
        }
    }

    fn item(&mut self, item: &ItemRecord) -> Attempt<()> {
        let is_trash_root = item.trash_root.as_ref() == Some(&item.id);
        match &item.parent_id {
            Some(parent) => {
                self.parents.push(parent.clone());
                self.places.push(map([("id", item.id.as_str().into()), ("parent", parent.as_str().into())]));
            }
            None if item.id == ROOT_ID || is_trash_root => {}
            None => return Err(StoreError::Invalid(format!("the item {} is nowhere", item.id)).into()),
        }
        let props = map([
            ("id", item.id.as_str().into()),
            ("name", item.name.as_str().into()),
            ("content", storable(&item.content).into()),
            ("content_format", item.content_format.map(ContentFormat::as_str).into()),
            ("is_folder", item.is_folder.into()),
            ("is_attached", item.is_attached.into()),
            ("read_only", item.read_only.into()),
            ("created_at", item.created_at.map(iso).into()),
            ("updated_at", item.updated_at.map(iso).into()),
            ("created_by", item.created_by.as_deref().into()),
            ("updated_by", item.updated_by.as_deref().into()),
            ("version", item.version.into()),
            ("source", item.source.as_deref().into()),
            ("source_id", item.source_id.as_deref().into()),
            ("source_kind", item.source_kind.map(SourceKind::as_str).into()),
            ("sync_run", item.sync_run.as_deref().into()),
            ("former_parent_id", item.former_parent_id.as_deref().into()),
            ("trashed_at", item.trashed_at.filter(|_| is_trash_root).map(iso).into()),
            ("trashed_by", item.trashed_by.as_deref().into()),
            ("trashed_by_sync", is_trash_root.then_some(item.trashed_by_sync).into()),
        ]);
        if item.trash_root.is_some() { self.trash.push(props) } else { self.tree.push(props) }
        Ok(())
    }
}

async fn items(work: &mut Work, batch: &Batch) -> Attempt<()> {
    for (label, other, rows) in
        [("ContextItem", "TrashedItem", &batch.tree), ("TrashedItem", "ContextItem", &batch.trash)]
    {
        if rows.is_empty() {
            continue;
        }
        // One that is there as the other kind becomes this one.
        let change = format!("UNWIND $rows AS row MATCH (n:{other} {{id: row.id}}) SET n:{label} REMOVE n:{other}");
        work.run(query(&change).param("rows", rows.clone())).await?;
        let merge = format!("UNWIND $rows AS row MERGE (n:{label} {{id: row.id}}) SET n = row");
        work.run(query(&merge).param("rows", rows.clone())).await?;
    }
    if batch.places.is_empty() {
        return Ok(());
    }
    let row = work.row(
        query(
            "UNWIND $rows AS row
             CALL { WITH row MATCH (n:ContextItem {id: row.id}), (p:ContextItem {id: row.parent}) RETURN n, p
                UNION WITH row MATCH (n:TrashedItem {id: row.id}), (p:TrashedItem {id: row.parent}) RETURN n, p }
             CALL { WITH n MATCH ()-[old:PARENT_OF]->(n) DELETE old }
             CREATE (p)-[:PARENT_OF]->(n)
             RETURN count(*) AS done",
        )
        .param("rows", batch.places.clone()),
    );
    let done = row.await?.map(|row| row.get::<i64>("done")).transpose()?.unwrap_or_default();
    if done < i64::try_from(batch.places.len()).unwrap_or(i64::MAX) {
        return Err(StoreError::Invalid("a record names a parent which is not there".to_owned()).into());
    }
    let twice = work.row(
        query(
            "UNWIND $parents AS id WITH DISTINCT id MATCH (:ContextItem {id: id})-[:PARENT_OF]->(n:ContextItem)
             WITH id, n.name AS name, count(*) AS siblings WHERE siblings > 1 RETURN name LIMIT 1",
        )
        .param("parents", batch.parents.clone()),
    );
    match twice.await? {
        Some(row) => Err(StoreError::Invalid(format!("two siblings are called {}", text(&row, "name")?)).into()),
        None => Ok(()),
    }
}
