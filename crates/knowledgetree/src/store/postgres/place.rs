//! Moving and copying.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    connection::{Change, begin},
    rows::{self, Spot, depth, end, is_root},
    write::{by_key, name_is_free},
};
use crate::{
    domain::{
        item::{Author, Item},
        order::{MAX_DEPTH, next_time},
    },
    store::{StoreError, retry::Attempt, rules::too_deep},
};

/// The item, and the folder in which it is to be, looked at in the order that the contract states.
async fn both(connection: &mut PgConnection, id: &str, parent_id: &str) -> Attempt<(Spot, Spot)> {
    if is_root(id) {
        return Err(StoreError::Root.into());
    }
    let item = rows::spot(connection, id).await?.ok_or_else(|| StoreError::no_item(id))?;
    let parent = rows::parent(connection, parent_id).await?;
    if parent.path.starts_with(&item.path) {
        return Err(StoreError::Cycle.into());
    }
    Ok((item, parent))
}

pub(super) async fn move_to(pool: &PgPool, id: &str, parent_id: &str, author: &Author<'_>) -> Attempt<()> {
    let mut transaction = begin(pool, Change::Moves).await?;
    let (item, parent) = both(&mut transaction, id, parent_id).await?;
    if item.read_only {
        return Err(StoreError::ReadOnly { id: id.to_owned() }.into());
    }
    let new_path = format!("{}{}.", parent.path, item.key);
    if new_path == item.path {
        return Ok(());
    }
    let row = by_key(&mut transaction, item.key).await?;
    name_is_free(&mut transaction, parent.key, &row.name, item.key).await?;
    relocate(&mut transaction, &item.path, &new_path).await?;
    sqlx::query!(
        "update context_items set parent_key = $2, updated_at = $3, updated_by = $4 where key = $1",
        item.key,
        parent.key,
        next_time(author.at, row.updated_at),
        author.user
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Gives an item and all below it new ways.
pub(super) async fn relocate(connection: &mut PgConnection, from: &str, to: &str) -> Attempt<u64> {
    let deepest = sqlx::query_scalar!(
        r#"
        select coalesce(max(length(path) - length(replace(path, '.', ''))), 0) as "deepest!"
        from tree_paths where path >= $1 and path < $2
        "#,
        from,
        end(from)
    )
    .fetch_one(&mut *connection)
    .await?;
    let below = usize::try_from(deepest).unwrap_or_default().saturating_sub(depth(from));
    if depth(to) + below > MAX_DEPTH {
        return Err(too_deep().into());
    }
    let moved = sqlx::query!(
        "update tree_paths set path = $3::text || substr(path, length($1) + 1) where path >= $1 and path < $2",
        from,
        end(from),
        to
    )
    .execute(connection)
    .await?;
    Ok(moved.rows_affected())
}

/// An item of a subtree that is copied.
struct Original {
    key: i64,
    path: String,
}

pub(super) async fn copy(
    pool: &PgPool,
    id: &str,
    parent_id: &str,
    name: Option<&str>,
    author: &Author<'_>,
) -> Attempt<Item> {
    let mut transaction = begin(pool, Change::Moves).await?;
    let (item, parent) = both(&mut transaction, id, parent_id).await?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => by_key(&mut transaction, item.key).await?.name,
    };
    name_is_free(&mut transaction, parent.key, &name, 0).await?;
    let originals = sqlx::query_as!(
        Original,
        "select item_key as key, path from tree_paths where path >= $1 and path < $2 order by path",
        item.path,
        item.end()
    )
    .fetch_all(&mut *transaction)
    .await?;
    let keys = new_keys(&mut transaction, originals.len()).await?;
    let copies = plan(&originals, &keys, &item, &parent)?;
    insert(&mut transaction, &copies, &name, author).await?;
    copy_files(&mut transaction, &copies, author).await?;
    let copied = by_key(&mut transaction, keys[0]).await?;
    transaction.commit().await?;
    Ok(copied.into())
}

async fn new_keys(connection: &mut PgConnection, count: usize) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"select nextval(pg_get_serial_sequence('context_items', 'key')) as "key!" from generate_series(1, $1::bigint)"#,
        i64::try_from(count).unwrap_or(i64::MAX)
    )
    .fetch_all(connection)
    .await
}

/// The items of a copy, by columns.
#[derive(Default)]
struct Copies {
    old_keys: Vec<i64>,
    keys: Vec<i64>,
    parents: Vec<i64>,
    ids: Vec<String>,
    paths: Vec<String>,
}

/// The originals stand in the order of their ways, so that each comes after its parent.
fn plan(originals: &[Original], keys: &[i64], item: &Spot, parent: &Spot) -> Attempt<Copies> {
    let mut copies = Copies::default();
    let mut ways: HashMap<&str, (i64, String)> = HashMap::new();
    for (original, key) in originals.iter().zip(keys) {
        let own = format!("{}.", original.key);
        let above = original.path.strip_suffix(own.as_str()).unwrap_or_default();
        let (parent_key, way) = if original.key == item.key {
            (parent.key, parent.path.clone())
        } else {
            ways.get(above).cloned().ok_or_else(|| StoreError::Failed("a way leads nowhere".to_owned()))?
        };
        let path = format!("{way}{key}.");
        if depth(&path) > MAX_DEPTH {
            return Err(too_deep().into());
        }
        copies.old_keys.push(original.key);
        copies.keys.push(*key);
        copies.parents.push(parent_key);
        copies.ids.push(Uuid::new_v4().to_string());
        copies.paths.push(path.clone());
        ways.insert(&original.path, (*key, path));
    }
    Ok(copies)
}

async fn insert(
    connection: &mut PgConnection,
    copies: &Copies,
    name: &str,
    author: &Author<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with copies as (
            select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) as c (old_key, key, parent_key, id)
        ), made as (
            insert into context_items (key, id, parent_key, name, content, content_format, is_folder, is_attached, created_at,
                updated_at, created_by, updated_by)
            select c.key, c.id, c.parent_key, case when c.key = ($2::bigint[])[1] then $5 else o.name end, o.content,
                o.content_format, o.is_folder, o.is_attached, $6, $6, $7, $7
            from copies c join context_items o on o.key = c.old_key
        )
        insert into tree_paths (item_key, path) select * from unnest($2::bigint[], $8::text[])
        "#,
        &copies.old_keys,
        &copies.keys,
        &copies.parents,
        &copies.ids,
        name,
        next_time(author.at, None),
        author.user,
        &copies.paths
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"
        insert into item_links (from_key, to_key)
        select c.key, l.to_key from unnest($1::bigint[], $2::bigint[]) as c (old_key, key) join item_links l on l.from_key = c.old_key
        "#,
        &copies.old_keys,
        &copies.keys
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Files whose bytes are kept by hash; others have their bytes under their own name, which a copy cannot share.
async fn copy_files(connection: &mut PgConnection, copies: &Copies, author: &Author<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into files (id, item_key, filename, original_filename, size, content_type, uploaded_by, created_at, content_hash,
            content_text)
        select new.id, c.key, new.id || coalesce(substring(f.filename from '\.[^.]*$'), ''), f.original_filename, f.size, f.content_type,
            $3, $4, f.content_hash, f.content_text
        from unnest($1::bigint[], $2::bigint[]) as c (old_key, key)
        join files f on f.item_key = c.old_key and f.content_hash is not null
        cross join lateral (select gen_random_uuid()::text as id where f.id is not null) new
        "#,
        &copies.old_keys,
        &copies.keys,
        author.user,
        next_time(author.at, None)
    )
    .execute(connection)
    .await?;
    Ok(())
}
