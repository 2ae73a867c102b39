//! Importing by path, and emptying.

use std::collections::HashMap;

use neo4rs::query;
use uuid::Uuid;

use super::{
    connection::{Server, Work},
    schema,
    write::{Spot, archive, child, found, insert, new_props, set_links, write},
};
use crate::{
    domain::{
        item::{Author, ROOT_ID},
        order::storable,
        records::{ImportReport, ImportRow},
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

pub(super) async fn import(
    server: &Server,
    rows: &[ImportRow],
    author: &Author<'_>,
) -> Attempt<ImportReport> {
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
