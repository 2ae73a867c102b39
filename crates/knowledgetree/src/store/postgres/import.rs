//! Importing by path.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    connection::{Change, begin},
    rows::{self, Spot},
    write::{Insert, archive, by_key, insert, named, set_links},
};
use crate::{
    domain::{
        item::{Author, ContentFormat, Item, ROOT_ID},
        order::{next_time, storable},
        records::{ImportReport, ImportRow},
    },
    store::{
        StoreError,
        retry::Attempt,
        rules::{import_order, imported},
    },
};

pub(super) async fn import(pool: &PgPool, rows: &[ImportRow], author: &Author<'_>) -> Attempt<ImportReport> {
    let rows = import_order(rows)?;
    let mut transaction = begin(pool, Change::Moves).await?;
    let mut folders: HashMap<Vec<String>, Spot> = HashMap::new();
    let root = rows::spot(&mut transaction, ROOT_ID).await?;
    folders.extend(root.map(|root| (Vec::new(), root)));
    let mut report = ImportReport::default();
    for row in rows {
        let shown = row.path.join("/");
        let Some((name, above)) = row.path.split_last() else { continue };
        let missing = || StoreError::Invalid(format!("The folder of {shown} does not exist"));
        if !folders.contains_key(above) {
            let folder = walk(&mut transaction, &folders, above).await?.ok_or_else(missing)?;
            folders.insert(above.to_vec(), folder);
        }
        let parent = folders.get(above).ok_or_else(missing)?;
        let spot = one(&mut transaction, parent, name, row, author, &mut report).await?;
        if spot.is_folder {
            folders.insert(row.path.clone(), spot);
        }
    }
    transaction.commit().await?;
    Ok(report)
}

/// The folder at a path that is not part of the import.
async fn walk(
    connection: &mut PgConnection,
    known: &HashMap<Vec<String>, Spot>,
    path: &[String],
) -> Attempt<Option<Spot>> {
    let Some(mut key) = known.get(&[][..]).map(|root| root.key) else { return Ok(None) };
    for name in path {
        match named(connection, key, name).await? {
            Some((child, _)) => key = child,
            None => return Ok(None),
        }
    }
    let id = by_key(connection, key).await?.id;
    Ok(rows::spot(connection, &id).await?.filter(|spot| spot.is_folder))
}

async fn one(
    connection: &mut PgConnection,
    parent: &Spot,
    name: &str,
    row: &ImportRow,
    author: &Author<'_>,
    report: &mut ImportReport,
) -> Attempt<Spot> {
    let key = match named(connection, parent.key, name).await? {
        None if row.is_reference => {
            return Err(StoreError::Invalid(format!("{} does not exist", row.path.join("/"))).into());
        }
        None => {
            report.created += 1;
            create(connection, parent, name, row, author).await?
        }
        Some((key, _)) => {
            let current = Item::from(by_key(connection, key).await?);
            match imported(&current, row)? {
                Some(wanted) => {
                    report.updated += 1;
                    change(connection, key, &current, &wanted, author).await?;
                }
                None => report.unchanged += 1,
            }
            key
        }
    };
    if !row.is_folder && !row.is_reference {
        set_links(connection, key, &row.links).await?;
    }
    let made = by_key(connection, key).await?;
    Ok(Spot { key, path: made.path, is_folder: made.is_folder, read_only: made.read_only })
}

async fn create(
    connection: &mut PgConnection,
    parent: &Spot,
    name: &str,
    row: &ImportRow,
    author: &Author<'_>,
) -> Attempt<i64> {
    let content = if row.is_folder { String::new() } else { storable(&row.content) };
    let insertion = Insert {
        id: &Uuid::new_v4().to_string(),
        name,
        content: &content,
        format: (!row.is_folder).then_some(row.content_format),
        is_folder: row.is_folder,
        is_attached: row.is_attached && row.is_folder,
        at: next_time(author.at, None),
        by: author.user,
    };
    let key = insert(connection, parent, insertion).await?;
    key.ok_or_else(|| StoreError::Failed("the name was taken meanwhile".to_owned()).into())
}

async fn change(
    connection: &mut PgConnection,
    key: i64,
    current: &Item,
    wanted: &Item,
    author: &Author<'_>,
) -> sqlx::Result<()> {
    archive(connection, key).await?;
    sqlx::query!(
        r#"
        update context_items set content = $2, content_format = $3, is_attached = $4, updated_at = $5, updated_by = $6,
            version = version + 1
        where key = $1
        "#,
        key,
        wanted.content,
        wanted.content_format.map(ContentFormat::as_str),
        wanted.is_attached,
        next_time(author.at, current.updated_at),
        author.user
    )
    .execute(connection)
    .await?;
    Ok(())
}
