//! Looking at the tree.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::rows::{self, ItemRow, ROOT_KEY, Spot, hidden, is_hidden, items, unstorable};
use crate::{
    domain::{
        item::{Item, Named, Visibility},
        listing::{Child, EXCERPT_CHARS, FolderNode, Listing, Place},
        order::{by_name, sort_children, sort_items},
    },
    store::{Result, StoreError},
};

pub(super) async fn item(pool: &PgPool, id: &str, visibility: Visibility) -> Result<Item> {
    let hidden = hidden(pool, visibility).await?;
    row(pool, id).await?.filter(|row| !is_hidden(&row.path, &hidden)).map(Item::from).ok_or_else(|| StoreError::no_item(id))
}

async fn row(pool: &PgPool, id: &str) -> sqlx::Result<Option<ItemRow>> {
    if unstorable(id) {
        return Ok(None);
    }
    items!("where i.id = $1", id).fetch_optional(pool).await
}

/// Where an item stands that the reader sees.
pub(super) async fn visible(pool: &PgPool, id: &str, visibility: Visibility) -> Result<Spot> {
    let hidden = hidden(pool, visibility).await?;
    let mut connection = pool.acquire().await?;
    let spot = rows::spot(&mut connection, id).await?;
    spot.filter(|spot| !is_hidden(&spot.path, &hidden)).ok_or_else(|| StoreError::no_item(id))
}

/// Key, id and name at the end of a path.
struct Found {
    key: i64,
    id: String,
    name: String,
    path: String,
}

async fn find(pool: &PgPool, path: &[String], visibility: Visibility) -> Result<Found> {
    let missing = || StoreError::no_item(&path.join("/"));
    if path.iter().any(|name| unstorable(name)) {
        return Err(missing());
    }
    let hidden = hidden(pool, visibility).await?;
    let found = sqlx::query_as!(
        Found,
        r#"
        with recursive walk as (
            select $2::bigint as key, 0 as steps
            union all
            select child.key, walk.steps + 1
            from walk join context_items child on child.parent_key = walk.key and child.name = ($1::text[])[walk.steps + 1]
        )
        select i.key, i.id, i.name, p.path
        from walk join context_items i on i.key = walk.key join tree_paths p on p.item_key = i.key
        where walk.steps = cardinality($1)
        "#,
        path,
        ROOT_KEY
    )
    .fetch_optional(pool)
    .await?;
    found.filter(|found| !is_hidden(&found.path, &hidden)).ok_or_else(missing)
}

pub(super) async fn resolve(pool: &PgPool, path: &[String], visibility: Visibility) -> Result<Named> {
    find(pool, path, visibility).await.map(|found| Named { id: found.id, name: found.name })
}

/// An item of a list, and where it stands in the answer.
struct Line {
    /// Items on the way to it; none for a child.
    step: Option<i32>,
    path: String,
    id: String,
    name: String,
    is_folder: bool,
    is_attached: bool,
    read_only: bool,
    updated_at: Option<DateTime<Utc>>,
    updated_by: Option<String>,
    excerpt: Option<String>,
}

impl From<Line> for Child {
    fn from(line: Line) -> Self {
        Self {
            id: line.id,
            name: line.name,
            is_folder: line.is_folder,
            is_attached: line.is_attached,
            read_only: line.read_only,
            updated_at: line.updated_at,
            updated_by: line.updated_by,
            excerpt: line.excerpt,
        }
    }
}

pub(super) async fn browse(
    pool: &PgPool,
    place: Place<'_>,
    excerpts: bool,
    visibility: Visibility,
) -> Result<Listing> {
    let (id, key) = match place {
        Place::Id(id) => (Some(id), None),
        Place::Path(path) => (None, Some(find(pool, path, visibility).await?.key)),
    };
    let missing = || StoreError::no_item(id.unwrap_or_default());
    if id.is_some_and(unstorable) {
        return Err(missing());
    }
    let hidden = hidden(pool, visibility).await?;
    let lines = sqlx::query_as!(
        Line,
        r#"
        with here as (
            select i.key, p.path from context_items i
            join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
            where i.id = $1 or i.key = $2
        ), way as (
            select step.key, step.number from here, unnest(string_to_array(rtrim(here.path, '.'), '.')::bigint[])
                with ordinality as step (key, number)
        )
        select way.number::int as step, p.path as "path!", i.id as "id!", i.name as "name!", i.is_folder as "is_folder!",
            i.is_attached as "is_attached!", i.read_only as "read_only!", i.updated_at, i.updated_by, null as excerpt
        from way join context_items i on i.key = way.key join tree_paths p on p.item_key = i.key
        union all
        select null, p.path, i.id, i.name, i.is_folder, i.is_attached, i.read_only, i.updated_at, i.updated_by,
            case when $3 and not i.is_folder then left(i.content, $4) end
        from here join context_items i on i.parent_key = here.key join tree_paths p on p.item_key = i.key
        "#,
        id,
        key,
        excerpts,
        i32::try_from(EXCERPT_CHARS + 1).unwrap_or(i32::MAX)
    )
    .fetch_all(pool)
    .await?;
    listing(lines, &hidden).ok_or_else(missing)
}

fn listing(lines: Vec<Line>, hidden: &[String]) -> Option<Listing> {
    let (mut way, below): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| line.step.is_some());
    way.sort_by_key(|line| line.step);
    let breadcrumbs = way.iter().map(|line| Named { id: line.id.clone(), name: line.name.clone() }).collect();
    let item = way.pop().filter(|line| !is_hidden(&line.path, hidden))?;
    let mut children: Vec<Child> =
        below.into_iter().filter(|line| !is_hidden(&line.path, hidden)).map(Child::from).collect();
    sort_children(&mut children);
    Some(Listing { item: item.into(), breadcrumbs, children })
}

pub(super) async fn children_with_content(pool: &PgPool, id: &str, visibility: Visibility) -> Result<Vec<Item>> {
    let folder = visible(pool, id, visibility).await?;
    let hidden = hidden(pool, visibility).await?;
    let rows = items!("where i.parent_key = $1", folder.key).fetch_all(pool).await?;
    let mut items: Vec<Item> =
        rows.into_iter().filter(|row| !is_hidden(&row.path, &hidden)).map(Item::from).collect();
    sort_items(&mut items);
    Ok(items)
}

pub(super) async fn breadcrumbs(pool: &PgPool, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
    if unstorable(id) {
        return Err(StoreError::no_item(id));
    }
    let hidden = hidden(pool, visibility).await?;
    let way = sqlx::query!(
        r#"
        with here as (
            select p.path from context_items i
            join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
            where i.id = $1
        )
        select i.id, i.name, here.path from here,
            unnest(string_to_array(rtrim(here.path, '.'), '.')::bigint[]) with ordinality as step (key, number)
            join context_items i on i.key = step.key
        order by step.number
        "#,
        id
    )
    .fetch_all(pool)
    .await?;
    if way.is_empty() || way.iter().any(|step| is_hidden(&step.path, &hidden)) {
        return Err(StoreError::no_item(id));
    }
    Ok(way.into_iter().map(|step| Named { id: step.id, name: step.name }).collect())
}

pub(super) async fn folder_tree(pool: &PgPool, visibility: Visibility) -> Result<FolderNode> {
    let hidden = hidden(pool, visibility).await?;
    let rows = sqlx::query!(
        r#"
        select i.key, i.parent_key, p.path, i.id, i.name, i.is_attached, i.read_only
        from context_items i join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
        where i.is_folder
        order by p.path desc
        "#
    )
    .fetch_all(pool)
    .await?;
    // A way stands behind those of all that are above, so that from the end on every folder comes after its own folders.
    let mut waiting: HashMap<i64, Vec<FolderNode>> = HashMap::new();
    for row in rows {
        if is_hidden(&row.path, &hidden) {
            continue;
        }
        let mut children = waiting.remove(&row.key).unwrap_or_default();
        children.sort_by(|a, b| by_name(&a.name, &b.name));
        let node = FolderNode {
            id: row.id,
            name: row.name,
            is_attached: row.is_attached,
            read_only: row.read_only,
            children,
        };
        match row.parent_key {
            Some(parent) => waiting.entry(parent).or_default().push(node),
            None => return Ok(node),
        }
    }
    Err(StoreError::Failed("the root is missing".to_owned()))
}

pub(super) async fn back_links(pool: &PgPool, id: &str, visibility: Visibility) -> Result<Vec<Named>> {
    let target = visible(pool, id, visibility).await?;
    let hidden = hidden(pool, visibility).await?;
    let rows = sqlx::query!(
        r#"
        select i.id, i.name, p.path from item_links l join context_items i on i.key = l.from_key
        join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
        where l.to_key = $1
        "#,
        target.key
    )
    .fetch_all(pool)
    .await?;
    let seen = rows.into_iter().filter(|row| !is_hidden(&row.path, &hidden));
    let mut links: Vec<Named> = seen.map(|row| Named { id: row.id, name: row.name }).collect();
    links.sort_by(|a, b| by_name(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
    Ok(links)
}
