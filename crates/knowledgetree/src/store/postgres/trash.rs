//! What was deleted.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::{
    connection::{Change, begin},
    files::record,
    place::relocate,
    rows::{self, ROOT_KEY, ROOT_PATH, Spot, end, is_root, unstorable},
    write::{archive, by_key, name_is_free},
};
use crate::{
    domain::{
        item::{Author, Item},
        order::next_time,
        trash::{Purged, TrashEntry},
    },
    store::{Entity, Result, StoreError, retry::Attempt},
};

/// Items after which no further subtree is removed in one go.
const PURGE_AT_A_TIME: i64 = 1000;

pub(super) async fn trash(pool: &PgPool, id: &str, author: &Author<'_>) -> Attempt<u64> {
    if is_root(id) {
        return Err(StoreError::Root.into());
    }
    let mut transaction = begin(pool, Change::Moves).await?;
    let item = rows::spot(&mut transaction, id).await?.ok_or_else(|| StoreError::no_item(id))?;
    if !author.is_admin {
        let protected = sqlx::query_scalar!(
            r#"
            select i.id from tree_paths p join context_items i on i.key = p.item_key
            where p.path >= $1 and p.path < $2 and i.read_only order by p.path limit 1
            "#,
            item.path,
            item.end()
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(id) = protected {
            return Err(StoreError::ReadOnly { id }.into());
        }
    }
    let items = put_away(&mut transaction, &item, author, false).await?;
    transaction.commit().await?;
    Ok(items)
}

/// Takes a subtree out of the tree; its items.
pub(super) async fn put_away(
    connection: &mut PgConnection,
    item: &Spot,
    author: &Author<'_>,
    by_sync: bool,
) -> Attempt<u64> {
    sqlx::query!(
        r#"
        insert into trash_entries (item_key, former_parent_id, trashed_at, trashed_by, by_sync)
        select i.key, parent.id, $2, $3, $4 from context_items i left join context_items parent on parent.key = i.parent_key
        where i.key = $1
        "#,
        item.key,
        next_time(author.at, None),
        author.user,
        by_sync
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("update context_items set parent_key = null where key = $1", item.key)
        .execute(&mut *connection)
        .await?;
    relocate(connection, &item.path, &format!("{}.", item.key)).await
}

pub(super) async fn trashed(pool: &PgPool) -> Result<Vec<TrashEntry>> {
    let entries = sqlx::query_as!(
        TrashEntry,
        r#"
        select i.id, i.name, i.is_folder, t.former_parent_id, parent.name as "former_parent_name?", t.trashed_at, t.trashed_by,
            t.by_sync, within.items as "items!", within.own_items as "own_items!"
        from trash_entries t join context_items i on i.key = t.item_key
        cross join lateral (
            select count(*) as items, count(*) filter (where s.item_key is null) as own_items
            from tree_paths w left join synced_items s on s.item_key = w.item_key
            where w.path >= t.item_key || '.' and w.path < t.item_key || '/'
        ) within
        left join (context_items parent join tree_paths p on p.item_key = parent.key and p.path >= '1.' and p.path < '1/')
            on parent.id = t.former_parent_id
        order by t.trashed_at desc, i.id
        "#
    )
    .fetch_all(pool)
    .await?;
    Ok(entries)
}

/// A subtree in the trash.
struct Trashed {
    key: i64,
    name: String,
    former_parent_id: Option<String>,
    updated_at: Option<DateTime<Utc>>,
}

async fn find(connection: &mut PgConnection, id: &str) -> Attempt<Trashed> {
    let missing = || StoreError::missing(Entity::Trash, id);
    if unstorable(id) {
        return Err(missing().into());
    }
    let found = sqlx::query_as!(
        Trashed,
        r#"
        select i.key, i.name, t.former_parent_id, i.updated_at
        from trash_entries t join context_items i on i.key = t.item_key where i.id = $1
        "#,
        id
    )
    .fetch_optional(connection)
    .await?;
    found.ok_or_else(|| missing().into())
}

pub(super) async fn restore(pool: &PgPool, id: &str, name: Option<&str>, author: &Author<'_>) -> Attempt<Item> {
    let mut transaction = begin(pool, Change::Moves).await?;
    let entry = find(&mut transaction, id).await?;
    let former = match &entry.former_parent_id {
        Some(parent) => rows::spot(&mut transaction, parent).await?.filter(|parent| parent.is_folder),
        None => None,
    };
    let (parent_key, parent_path) =
        former.map_or_else(|| (ROOT_KEY, ROOT_PATH.to_owned()), |parent| (parent.key, parent.path));
    let name = name.unwrap_or(&entry.name);
    name_is_free(&mut transaction, parent_key, name, entry.key).await?;
    let renamed = name != entry.name;
    if renamed {
        archive(&mut transaction, entry.key).await?;
    }
    sqlx::query!(
        r#"
        update context_items set parent_key = $2, name = $3, updated_at = $4, updated_by = $5, version = version + $6 where key = $1
        "#,
        entry.key,
        parent_key,
        name,
        next_time(author.at, entry.updated_at),
        author.user,
        i64::from(renamed)
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!("delete from trash_entries where item_key = $1", entry.key).execute(&mut *transaction).await?;
    let path = format!("{}.", entry.key);
    relocate(&mut transaction, &path, &format!("{parent_path}{path}")).await?;
    let restored = by_key(&mut transaction, entry.key).await?;
    transaction.commit().await?;
    Ok(restored.into())
}

pub(super) async fn purge(pool: &PgPool, id: &str) -> Attempt<Purged> {
    let mut transaction = begin(pool, Change::Moves).await?;
    let entry = find(&mut transaction, id).await?;
    let mut purged = Purged::default();
    remove(&mut transaction, entry.key, &mut purged).await?;
    transaction.commit().await?;
    Ok(purged)
}

pub(super) async fn purge_expired(pool: &PgPool, before: DateTime<Utc>) -> Attempt<Purged> {
    let mut transaction = begin(pool, Change::Moves).await?;
    let expired = sqlx::query_scalar!(
        r#"
        select t.item_key from trash_entries t
        where t.trashed_at < $1 and not (t.by_sync and exists (
            select from tree_paths w left join synced_items s on s.item_key = w.item_key
            where w.path >= t.item_key || '.' and w.path < t.item_key || '/' and s.item_key is null
        ))
        order by t.trashed_at, t.item_key limit $2
        "#,
        before,
        PURGE_AT_A_TIME
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut purged = Purged::default();
    for key in expired {
        if purged.items >= PURGE_AT_A_TIME {
            break;
        }
        remove(&mut transaction, key, &mut purged).await?;
    }
    transaction.commit().await?;
    Ok(purged)
}

async fn remove(connection: &mut PgConnection, key: i64, purged: &mut Purged) -> Attempt<()> {
    let path = format!("{key}.");
    let files = record!(
        "join tree_paths p on p.item_key = f.item_key where p.path >= $1 and p.path < $2 order by f.id",
        path,
        end(&path)
    );
    purged.files.extend(files.fetch_all(&mut *connection).await?.into_iter().map(Into::into));
    let gone = sqlx::query!(
        "delete from context_items where key in (select item_key from tree_paths where path >= $1 and path < $2)",
        path,
        end(&path)
    )
    .execute(connection)
    .await?;
    purged.items += i64::try_from(gone.rows_affected()).unwrap_or_default();
    Ok(())
}
