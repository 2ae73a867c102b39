//! Writing what a sync hands over, many items by one statement.

use std::collections::{HashMap, HashSet};

use neo4rs::{BoltType, query};

use super::{
    connection::Work,
    props::{Props, iso, map, text, time},
    sync::Place,
    trash::take_back,
    write::{fits, hang, spot},
};
use crate::{
    domain::{
        item::Author,
        order::{next_time, storable},
        synced::{SyncRun, SyncedItem},
    },
    store::{
        StoreError,
        retry::Attempt,
        rules::{synced_id, unlike_id},
    },
};

/// Items to make and to change.
#[derive(Default)]
pub(super) struct Wave<'a> {
    new: Vec<(&'a SyncedItem, Place, String)>,
    changed: Vec<(&'a SyncedItem, Props, String)>,
}

impl<'a> Wave<'a> {
    pub(super) fn make(&mut self, item: &'a SyncedItem, place: &Place, name: String) {
        self.new.push((item, place.clone(), name));
    }

    pub(super) fn change(&mut self, item: &'a SyncedItem, before: Props, name: String) {
        self.changed.push((item, before, name));
    }
}

fn content(item: &SyncedItem) -> String {
    if item.is_folder { String::new() } else { storable(&item.content) }
}

/// Whether an item is not as the sync wants it, name and place aside.
pub(super) fn differs(before: &Props, item: &SyncedItem) -> bool {
    before.is_folder() != item.is_folder
        || before.is_attached.unwrap_or_default() != (item.is_attached && item.is_folder)
        || before.read_only() != item.read_only
        || before.content.as_deref().unwrap_or_default() != content(item)
        || before.content_format.as_deref() == Some("html")
}

/// Makes the items of a wave; their ids at the source and where they are.
pub(super) async fn insert(work: &mut Work, wave: &Wave<'_>, author: &Author<'_>) -> Attempt<Vec<(String, Place)>> {
    if wave.new.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<String> = wave.new.iter().map(|(_, place, name)| synced_id(&place.id, name)).collect();
    let mut taken = taken(work, &wanted).await?;
    let at = iso(next_time(author.at, None));
    let (mut rows, mut made) = (Vec::new(), Vec::new());
    for ((item, place, name), id) in wave.new.iter().zip(wanted) {
        let id = if taken.contains(&id) { unlike_id(&id, &item.source_id) } else { id };
        taken.insert(id.clone());
        let props = map([
            ("id", id.as_str().into()),
            ("name", name.as_str().into()),
            ("content", content(item).into()),
            ("content_format", (!item.is_folder).then_some("markdown").into()),
            ("is_folder", item.is_folder.into()),
            ("is_attached", (item.is_attached && item.is_folder).into()),
            ("read_only", item.read_only.into()),
            ("created_at", at.as_str().into()),
            ("updated_at", at.as_str().into()),
            ("created_by", author.user.into()),
            ("updated_by", author.user.into()),
            ("version", 1.into()),
        ]);
        rows.push(map([("parent", place.id.as_str().into()), ("props", props)]));
        made.push((item.source_id.clone(), Place { id, is_folder: item.is_folder, depth: place.depth + 1 }));
    }
    work.run(
        query(
            "UNWIND $rows AS row MATCH (p:ContextItem {id: row.parent})
             CREATE (p)-[:PARENT_OF]->(n:ContextItem) SET n = row.props",
        )
        .param("rows", BoltType::from(rows)),
    )
    .await?;
    Ok(made)
}

/// Those of the ids that something has, in the tree or in the trash.
async fn taken(work: &mut Work, ids: &[String]) -> Attempt<HashSet<String>> {
    let rows = work.rows(
        query(
            "UNWIND $ids AS id
             CALL { WITH id MATCH (n:ContextItem {id: id}) RETURN n UNION WITH id MATCH (n:TrashedItem {id: id}) RETURN n }
             RETURN id",
        )
        .param("ids", ids),
    );
    rows.await?.iter().map(|row| text(row, "id")).collect()
}

/// Brings an item under its folder, out of the trash too.
pub(super) async fn fetch(work: &mut Work, id: &str, in_tree: bool, place: &Place) -> Attempt<()> {
    if spot(work, &place.id).await?.is_none_or(|place| place.is_in(id)) {
        return Err(StoreError::Cycle.into());
    }
    if !in_tree {
        take_back(work, id).await?;
    }
    fits(work, "ContextItem", id, place.depth).await?;
    hang(work, id, &place.id).await
}

/// Makes items as the sync wants them. No former state is kept: the source has the history.
pub(super) async fn update(work: &mut Work, wave: &Wave<'_>, author: &Author<'_>) -> Attempt<()> {
    if wave.changed.is_empty() {
        return Ok(());
    }
    let rows: BoltType = wave
        .changed
        .iter()
        .map(|(item, before, name)| {
            let props = map([
                ("name", name.as_str().into()),
                ("content", content(item).into()),
                ("content_format", (!item.is_folder).then_some("markdown").into()),
                ("is_folder", item.is_folder.into()),
                ("is_attached", (item.is_attached && item.is_folder).into()),
                ("read_only", item.read_only.into()),
                ("updated_at", iso(next_time(author.at, time(before.updated_at.as_deref()))).into()),
                ("updated_by", author.user.into()),
                ("version", (before.version.unwrap_or(1) + 1).into()),
            ]);
            map([("id", before.id.as_str().into()), ("props", props)])
        })
        .collect();
    work.run(
        query("UNWIND $rows AS row MATCH (n:ContextItem {id: row.id}) SET n += row.props").param("rows", rows),
    )
    .await
}

/// Notes where the items come from and that the run has seen them.
pub(super) async fn mark(
    work: &mut Work,
    run: SyncRun<'_>,
    placed: &[(&SyncedItem, Place)],
    places: &HashMap<String, Place>,
) -> Attempt<()> {
    let seen = placed.iter().filter_map(|(item, _)| Some((item, places.get(&item.source_id)?)));
    let rows: BoltType = seen
        .map(|(item, place)| {
            map([
                ("id", place.id.as_str().into()),
                ("source_id", item.source_id.as_str().into()),
                ("kind", item.kind.as_str().into()),
            ])
        })
        .collect();
    work.run(
        query(
            "UNWIND $rows AS row MATCH (n:ContextItem {id: row.id})
             SET n.source = $source, n.source_id = row.source_id, n.source_kind = row.kind, n.sync_run = $run",
        )
        .param("rows", rows)
        .param("source", run.source)
        .param("run", run.run_id),
    )
    .await
}
