//! Writing what a sync hands over, many items by one statement.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;

use super::{
    place::relocate,
    sync::{Place, Stored},
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

/// Items to make.
#[derive(Default)]
pub(super) struct Wave<'a> {
    new: Vec<(&'a SyncedItem, Place, String)>,
}

impl<'a> Wave<'a> {
    pub(super) fn add(&mut self, item: &'a SyncedItem, place: &Place, name: String) {
        self.new.push((item, place.clone(), name));
    }
}

/// Makes the items of a wave; their ids at the source and where they are.
pub(super) async fn insert(
    connection: &mut PgConnection,
    wave: &Wave<'_>,
    author: &Author<'_>,
) -> Attempt<Vec<(String, Place)>> {
    if wave.new.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<String> = wave.new.iter().map(|(_, place, name)| synced_id(&place.id, name)).collect();
    let mut taken: HashSet<String> =
        sqlx::query_scalar!("select id from context_items where id = any($1)", &wanted)
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .collect();
    let mut ids = Vec::with_capacity(wanted.len());
    for ((item, ..), id) in wave.new.iter().zip(wanted) {
        let id = if taken.contains(&id) { unlike_id(&id, &item.source_id) } else { id };
        taken.insert(id.clone());
        ids.push(id);
    }
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let keys = sqlx::query_scalar!(
        r#"select nextval(pg_get_serial_sequence('context_items', 'key')) as "key!" from generate_series(1, $1::bigint)"#,
        count
    )
    .fetch_all(&mut *connection)
    .await?;
    let paths: Vec<String> =
        wave.new.iter().zip(&keys).map(|((_, place, _), key)| format!("{}{key}.", place.path)).collect();
    write(connection, wave, &ids, &keys, &paths, author).await?;
    let places = keys.into_iter().zip(ids).zip(paths).map(|((key, id), path)| (key, id, path));
    let made = wave.new.iter().zip(places);
    Ok(made
        .map(|((item, ..), (key, id, path))| {
            (item.source_id.clone(), Place { key, id, path, is_folder: item.is_folder })
        })
        .collect())
}

async fn write(
    connection: &mut PgConnection,
    wave: &Wave<'_>,
    ids: &[String],
    keys: &[i64],
    paths: &[String],
    author: &Author<'_>,
) -> sqlx::Result<()> {
    let parents: Vec<i64> = wave.new.iter().map(|(_, place, _)| place.key).collect();
    let names: Vec<String> = wave.new.iter().map(|(.., name)| name.clone()).collect();
    let contents: Vec<String> = wave.new.iter().map(|(item, ..)| content(item)).collect();
    let flags = |flag: fn(&SyncedItem) -> bool| wave.new.iter().map(|(item, ..)| flag(item)).collect::<Vec<_>>();
    sqlx::query!(
        r#"
        with made as (
            insert into context_items (key, id, parent_key, name, content, content_format, is_folder, is_attached, read_only, created_at,
                updated_at, created_by, updated_by)
            select n.key, n.id, n.parent_key, n.name, n.content, case when n.is_folder then null else 'markdown' end, n.is_folder,
                n.is_attached, n.read_only, $9, $9, $10, $10
            from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bool[], $7::bool[], $8::bool[])
                as n (key, id, parent_key, name, content, is_folder, is_attached, read_only)
        )
        insert into tree_paths (item_key, path) select * from unnest($1::bigint[], $11::text[])
        "#,
        keys,
        ids,
        &parents,
        &names,
        &contents,
        &flags(|item| item.is_folder),
        &flags(|item| item.is_attached && item.is_folder),
        &flags(|item| item.read_only),
        next_time(author.at, None),
        author.user,
        paths
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn content(item: &SyncedItem) -> String {
    if item.is_folder { String::new() } else { storable(&item.content) }
}

/// Whether an item is not as the sync wants it, name and place aside.
pub(super) fn differs(row: &Stored, item: &SyncedItem) -> bool {
    row.is_folder != item.is_folder
        || row.is_attached != (item.is_attached && item.is_folder)
        || row.read_only != item.read_only
        || row.content != content(item)
        || row.content_format.as_deref() == Some("html")
}

/// The present way of an item.
pub(super) async fn path(connection: &mut PgConnection, key: i64) -> sqlx::Result<String> {
    sqlx::query_scalar!("select path from tree_paths where item_key = $1", key).fetch_one(connection).await
}

/// Brings an item under its folder, out of the trash too; its new way.
pub(super) async fn fetch(connection: &mut PgConnection, row: &Stored, place: &Place) -> Attempt<String> {
    if place.path.starts_with(&row.path) {
        return Err(StoreError::Cycle.into());
    }
    sqlx::query!("delete from trash_entries where item_key = $1", row.key).execute(&mut *connection).await?;
    let path = format!("{}{}.", place.path, row.key);
    relocate(connection, &row.path, &path).await?;
    Ok(path)
}

/// Makes an item as the sync wants it. No former state is kept: the source has the history.
pub(super) async fn update(
    connection: &mut PgConnection,
    row: &Stored,
    item: &SyncedItem,
    place: &Place,
    name: &str,
    author: &Author<'_>,
) -> Attempt<()> {
    sqlx::query!(
        r#"
        update context_items set parent_key = $2, name = $3, content = $4, content_format = $5, is_folder = $6, is_attached = $7,
            read_only = $8, version = version + 1, updated_by = $10,
            updated_at = case when updated_at >= $9 then updated_at + interval '1 microsecond' else $9 end
        where key = $1
        "#,
        row.key,
        place.key,
        name,
        content(item),
        (!item.is_folder).then_some("markdown"),
        item.is_folder,
        item.is_attached && item.is_folder,
        item.read_only,
        next_time(author.at, None),
        author.user
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that the run has seen the items.
pub(super) async fn mark(
    connection: &mut PgConnection,
    run: SyncRun<'_>,
    placed: &[(&SyncedItem, Place)],
    places: &HashMap<String, Place>,
) -> Attempt<()> {
    let (mut keys, mut source_ids, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for (item, _) in placed {
        if let Some(place) = places.get(&item.source_id) {
            keys.push(place.key);
            source_ids.push(item.source_id.clone());
            kinds.push(item.kind.as_str().to_owned());
        }
    }
    sqlx::query!(
        r#"
        insert into synced_items (item_key, source, source_id, source_kind, sync_run)
        select key, $1, source_id, kind, $2 from unnest($3::bigint[], $4::text[], $5::text[]) as n (key, source_id, kind)
        on conflict (item_key) do update set source_kind = excluded.source_kind, sync_run = excluded.sync_run
        "#,
        run.source,
        run.run_id,
        &keys,
        &source_ids,
        &kinds
    )
    .execute(connection)
    .await?;
    Ok(())
}
