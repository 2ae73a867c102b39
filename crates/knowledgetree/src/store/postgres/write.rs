//! Making and changing items.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    connection::{Change, begin},
    rows::{self, ItemRow, Spot, is_root, items, unstorable},
};
use crate::{
    domain::{
        item::{Author, ContentFormat, Expected, Item, ItemChange, NewItem},
        order::{MAX_DEPTH, next_time, storable},
    },
    store::{
        StoreError,
        retry::{Attempt, Failure},
        rules::{too_deep, wanted},
    },
};

/// An item to insert.
pub(super) struct Insert<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) content: &'a str,
    pub(super) format: Option<ContentFormat>,
    pub(super) is_folder: bool,
    pub(super) is_attached: bool,
    pub(super) at: DateTime<Utc>,
    pub(super) by: &'a str,
}

/// Inserts an item that nobody protects; its key, or none where the name is taken.
pub(super) async fn insert(
    connection: &mut PgConnection,
    parent: &Spot,
    item: Insert<'_>,
) -> Attempt<Option<i64>> {
    if parent.depth() >= MAX_DEPTH {
        return Err(too_deep().into());
    }
    let key = sqlx::query_scalar!(
        r#"
        with made as (
            insert into context_items (id, parent_key, name, content, content_format, is_folder, is_attached, created_at,
                updated_at, created_by, updated_by)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $9)
            on conflict on constraint sibling_names do nothing
            returning key
        )
        insert into tree_paths (item_key, path) select key, $10::text || key || '.' from made
        returning item_key
        "#,
        item.id,
        parent.key,
        item.name,
        item.content,
        item.format.map(ContentFormat::as_str),
        item.is_folder,
        item.is_attached,
        item.at,
        item.by,
        parent.path
    )
    .fetch_optional(connection)
    .await?;
    Ok(key)
}

/// The child of a folder that has a name.
pub(super) async fn named(
    connection: &mut PgConnection,
    parent_key: i64,
    name: &str,
) -> sqlx::Result<Option<(i64, String)>> {
    let found = sqlx::query!("select key, id from context_items where parent_key = $1 and name = $2", parent_key, name)
        .fetch_optional(connection)
        .await?;
    Ok(found.map(|row| (row.key, row.id)))
}

/// An error where another child of the folder has the name.
pub(super) async fn name_is_free(
    connection: &mut PgConnection,
    parent_key: i64,
    name: &str,
    own_key: i64,
) -> Attempt<()> {
    match named(connection, parent_key, name).await? {
        Some((key, existing_id)) if key != own_key => Err(StoreError::NameTaken { existing_id }.into()),
        _ => Ok(()),
    }
}

pub(super) async fn by_key(connection: &mut PgConnection, key: i64) -> Attempt<ItemRow> {
    Ok(items!("where i.key = $1", key).fetch_one(connection).await?)
}

pub(super) async fn create(pool: &PgPool, item: &NewItem, author: &Author<'_>) -> Attempt<Item> {
    let mut transaction = begin(pool, Change::Adds).await?;
    let parent = rows::parent(&mut transaction, &item.parent_id).await?;
    let id = Uuid::new_v4().to_string();
    let content = item.content.as_ref().filter(|_| !item.is_folder);
    let text = content.map(|content| storable(&content.text)).unwrap_or_default();
    let insertion = Insert {
        id: &id,
        name: &item.name,
        content: &text,
        format: content.map(|content| content.format),
        is_folder: item.is_folder,
        is_attached: item.is_attached && item.is_folder,
        at: next_time(author.at, None),
        by: author.user,
    };
    let Some(key) = insert(&mut transaction, &parent, insertion).await? else {
        name_is_free(&mut transaction, parent.key, &item.name, 0).await?;
        // Whoever had the name has gone meanwhile.
        return Err(Failure::Passing(StoreError::Failed("the name was taken".to_owned())));
    };
    if let Some(content) = content {
        set_links(&mut transaction, key, &content.links).await?;
    }
    let made = by_key(&mut transaction, key).await?;
    transaction.commit().await?;
    Ok(made.into())
}

/// Notes to which items an article links now.
pub(super) async fn set_links(connection: &mut PgConnection, key: i64, links: &[String]) -> sqlx::Result<()> {
    let links: Vec<String> = links.iter().filter(|id| !unstorable(id)).cloned().collect();
    sqlx::query!(
        r#"
        with gone as (
            delete from item_links l using context_items i
            where l.from_key = $1 and i.key = l.to_key and i.id <> all($2)
        )
        insert into item_links (from_key, to_key)
        select $1, i.key from context_items i where i.id = any($2) and i.key <> $1
        on conflict do nothing
        "#,
        key,
        &links
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the present state of an item as a former one.
pub(super) async fn archive(connection: &mut PgConnection, key: i64) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into item_versions (item_key, version, name, content, content_format, is_attached, at, by)
        select key, version, name, content, content_format, is_attached, updated_at, updated_by
        from context_items where key = $1
        "#,
        key
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn update(
    pool: &PgPool,
    id: &str,
    change: &ItemChange,
    expected: Option<Expected>,
    author: &Author<'_>,
) -> Attempt<Item> {
    if unstorable(id) {
        return Err(StoreError::no_item(id).into());
    }
    let mut transaction = begin(pool, Change::Adds).await?;
    let row = items!("where i.id = $1 for update of i", id).fetch_optional(&mut *transaction).await?;
    let row = row.ok_or_else(|| StoreError::no_item(id))?;
    let (key, parent_path) = (row.key, row.path.clone());
    let current = Item::from(row);
    let wanted = wanted(&current, change)?;
    if current.read_only {
        return Err(StoreError::ReadOnly { id: id.to_owned() }.into());
    }
    if expected.is_some_and(|expected| !expected.holds(&current)) {
        return Err(StoreError::Conflict { current: Box::new(current) }.into());
    }
    if let Some(content) = change.content.as_ref().filter(|_| !current.is_folder || is_root(id)) {
        set_links(&mut transaction, key, &content.links).await?;
    }
    if wanted == current {
        transaction.commit().await?;
        return Ok(current);
    }
    if wanted.name != current.name {
        let parent_key = parent_path.trim_end_matches('.').rsplit('.').nth(1).and_then(|key| key.parse().ok());
        name_is_free(&mut transaction, parent_key.unwrap_or_default(), &wanted.name, key).await?;
    }
    archive(&mut transaction, key).await?;
    sqlx::query!(
        r#"
        update context_items set name = $2, content = $3, content_format = $4, is_attached = $5, updated_at = $6, updated_by = $7,
            version = version + 1
        where key = $1
        "#,
        key,
        wanted.name,
        wanted.content,
        wanted.content_format.map(ContentFormat::as_str),
        wanted.is_attached,
        next_time(author.at, current.updated_at),
        author.user
    )
    .execute(&mut *transaction)
    .await?;
    let changed = by_key(&mut transaction, key).await?;
    transaction.commit().await?;
    Ok(changed.into())
}
