//! Rows on their way in: loading a dump, importing by path, emptying.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{
    connection::{Change, begin},
    place::relocate,
    rows::{self, ROOT_KEY, ROOT_PATH, Spot},
    write::{Insert, archive, by_key, insert, set_links},
};
use crate::{
    domain::{
        item::{Author, ContentFormat, Item, ROOT_CONTENT, ROOT_ID, ROOT_NAME},
        order::{next_time, storable},
        records::{ImportReport, ImportRow, ItemRecord, Record},
    },
    store::{
        Result, StoreError,
        retry::{Attempt, Failure},
        rules::{imported, import_order},
    },
};

pub(super) async fn set_up(pool: &PgPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    make_root(&mut connection).await?;
    Ok(())
}

async fn make_root(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        with root as (
            insert into context_items (key, id, name, content, is_folder) values ($1, $2, $3, $4, true) on conflict do nothing
        )
        insert into tree_paths (item_key, path) values ($1, $5) on conflict do nothing
        "#,
        ROOT_KEY,
        ROOT_ID,
        ROOT_NAME,
        ROOT_CONTENT,
        ROOT_PATH
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn wipe(pool: &PgPool) -> Attempt<()> {
    let mut transaction = begin(pool, Change::Moves).await?;
    sqlx::query!(
        "truncate context_items, companies, ticket_context, job_state, search_words restart identity cascade"
    )
    .execute(&mut *transaction)
    .await?;
    make_root(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

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
        match super::write::named(connection, key, name).await? {
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
    let key = match super::write::named(connection, parent.key, name).await? {
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

pub(super) async fn load(pool: &PgPool, records: &[Record]) -> Attempt<()> {
    let mut transaction = begin(pool, Change::Moves).await?;
    let mut load = Load::begin(&mut transaction, records).await?;
    for record in records {
        load.one(&mut transaction, record).await.map_err(|failure| match failure {
            // Names of siblings, ids at a source, stored names of files.
            Failure::Passing(StoreError::Failed(reason)) if reason.contains("unique constraint") => {
                StoreError::Invalid(format!("a record collides with another: {reason}")).into()
            }
            other => other,
        })?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Keys and ways of the items that the records name.
struct Load {
    places: HashMap<String, (i64, String)>,
}

impl Load {
    async fn begin(connection: &mut PgConnection, records: &[Record]) -> Attempt<Self> {
        let mut ids: Vec<String> = Vec::new();
        for record in records {
            match record {
                Record::Item(item) => {
                    ids.push(item.id.clone());
                    ids.extend(item.parent_id.clone());
                }
                Record::Link { from, to } => ids.extend([from.clone(), to.clone()]),
                Record::Version { item_id, .. }
                | Record::File { item_id, .. }
                | Record::CompanyContext { item_id, .. }
                | Record::TicketContext { item_id, .. } => ids.push(item_id.clone()),
                Record::Company { .. } | Record::State { .. } => {}
            }
        }
        let rows = sqlx::query!(
            "select i.id, i.key, p.path from context_items i join tree_paths p on p.item_key = i.key where i.id = any($1)",
            &ids
        )
        .fetch_all(connection)
        .await?;
        Ok(Self { places: rows.into_iter().map(|row| (row.id, (row.key, row.path))).collect() })
    }

    fn key(&self, id: &str) -> Attempt<i64> {
        let place = self.places.get(id);
        place.map(|place| place.0).ok_or_else(|| {
            StoreError::Invalid(format!("a record names the item {id}, which is not there")).into()
        })
    }

    async fn one(&mut self, connection: &mut PgConnection, record: &Record) -> Attempt<()> {
        match record {
            Record::Item(item) => return self.item(connection, item).await,
            Record::Version { item_id, version } => sqlx::query!(
                r#"
                insert into item_versions (item_key, version, name, content, content_format, is_attached, at, by)
                values ($1, $2, $3, $4, $5, $6, $7, $8)
                on conflict (item_key, version) do update set name = excluded.name, content = excluded.content,
                    content_format = excluded.content_format, is_attached = excluded.is_attached, at = excluded.at, by = excluded.by
                "#,
                self.key(item_id)?,
                version.version,
                version.name,
                version.content,
                version.content_format.map(ContentFormat::as_str),
                version.is_attached,
                version.at,
                version.by
            ),
            Record::Link { from, to } => sqlx::query!(
                "insert into item_links (from_key, to_key) values ($1, $2) on conflict do nothing",
                self.key(from)?,
                self.key(to)?
            ),
            Record::File { item_id, file, text } => sqlx::query!(
                r#"
                insert into files (id, item_key, filename, original_filename, size, content_type, uploaded_by, created_at,
                    content_hash, content_text)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                on conflict (id) do update set item_key = excluded.item_key, filename = excluded.filename,
                    original_filename = excluded.original_filename, size = excluded.size, content_type = excluded.content_type,
                    uploaded_by = excluded.uploaded_by, created_at = excluded.created_at, content_hash = excluded.content_hash,
                    content_text = excluded.content_text
                "#,
                file.id,
                self.key(item_id)?,
                file.filename,
                file.original_filename,
                file.size,
                file.content_type,
                file.uploaded_by,
                file.created_at,
                file.content_hash,
                text.as_deref()
            ),
            Record::Company { id, name, account_number, updated_at } => sqlx::query!(
                r#"
                insert into companies (id, name, account_number, updated_at) values ($1, $2, $3, $4)
                on conflict (id) do update set name = excluded.name, account_number = excluded.account_number,
                    updated_at = excluded.updated_at
                "#,
                id,
                name.as_deref(),
                account_number.as_deref(),
                *updated_at
            ),
            Record::CompanyContext { company_id, item_id } => sqlx::query!(
                "insert into company_context (company_id, item_key) values ($1, $2) on conflict do nothing",
                company_id,
                self.key(item_id)?
            ),
            Record::TicketContext { number, item_id } => sqlx::query!(
                "insert into ticket_context (ticket_number, item_key) values ($1, $2) on conflict do nothing",
                number,
                self.key(item_id)?
            ),
            Record::State { key, value } => sqlx::query!(
                "insert into job_state (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
                key,
                value
            ),
        }
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn item(&mut self, connection: &mut PgConnection, item: &ItemRecord) -> Attempt<()> {
        let parent_key = match &item.parent_id {
            Some(parent) => Some(self.key(parent)?),
            None => None,
        };
        let key = write(connection, item, parent_key).await?;
        let path = match (&item.parent_id, &item.trash_root) {
            (Some(parent), _) => {
                format!("{}{key}.", self.places.get(parent).map(|place| place.1.as_str()).unwrap_or_default())
            }
            (None, Some(root)) if *root == item.id => format!("{key}."),
            (None, _) if item.id == ROOT_ID => ROOT_PATH.to_owned(),
            (None, _) => {
                return Err(StoreError::Invalid(format!("the item {} is nowhere", item.id)).into());
            }
        };
        if let Some((_, before)) = self.places.get(&item.id).filter(|(_, before)| *before != path) {
            relocate(connection, before, &path).await?;
        } else {
            sqlx::query!(
                "insert into tree_paths (item_key, path) values ($1, $2) on conflict do nothing",
                key,
                path
            )
            .execute(&mut *connection)
            .await?;
        }
        beside(connection, item, key).await?;
        self.places.insert(item.id.clone(), (key, path));
        Ok(())
    }
}

async fn write(connection: &mut PgConnection, item: &ItemRecord, parent_key: Option<i64>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        insert into context_items (id, parent_key, name, content, content_format, is_folder, is_attached, read_only, created_at,
            updated_at, created_by, updated_by, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        on conflict (id) do update set parent_key = excluded.parent_key, name = excluded.name, content = excluded.content,
            content_format = excluded.content_format, is_folder = excluded.is_folder, is_attached = excluded.is_attached,
            read_only = excluded.read_only, created_at = excluded.created_at, updated_at = excluded.updated_at,
            created_by = excluded.created_by, updated_by = excluded.updated_by, version = excluded.version
        returning key
        "#,
        item.id,
        parent_key,
        item.name,
        storable(&item.content),
        item.content_format.map(ContentFormat::as_str),
        item.is_folder,
        item.is_attached,
        item.read_only,
        item.created_at,
        item.updated_at,
        item.created_by,
        item.updated_by,
        item.version
    )
    .fetch_one(connection)
    .await
}

/// What is kept of an item in other tables.
async fn beside(connection: &mut PgConnection, item: &ItemRecord, key: i64) -> sqlx::Result<()> {
    if let (Some(source), Some(source_id)) = (&item.source, &item.source_id) {
        sqlx::query!(
            r#"
            insert into synced_items (item_key, source, source_id, source_kind, sync_run) values ($1, $2, $3, $4, $5)
            on conflict (item_key) do update set source = excluded.source, source_id = excluded.source_id,
                source_kind = excluded.source_kind, sync_run = excluded.sync_run
            "#,
            key,
            source,
            source_id,
            item.source_kind.map_or("group", crate::domain::synced::SourceKind::as_str),
            item.sync_run.as_deref().unwrap_or_default()
        )
        .execute(&mut *connection)
        .await?;
    } else {
        sqlx::query!("delete from synced_items where item_key = $1", key).execute(&mut *connection).await?;
    }
    if let Some(trashed_at) = item.trashed_at.filter(|_| item.trash_root.as_ref() == Some(&item.id)) {
        sqlx::query!(
            r#"
            insert into trash_entries (item_key, former_parent_id, trashed_at, trashed_by, by_sync) values ($1, $2, $3, $4, $5)
            on conflict (item_key) do update set former_parent_id = excluded.former_parent_id, trashed_at = excluded.trashed_at,
                trashed_by = excluded.trashed_by, by_sync = excluded.by_sync
            "#,
            key,
            item.former_parent_id,
            trashed_at,
            item.trashed_by,
            item.trashed_by_sync
        )
        .execute(connection)
        .await?;
    } else {
        sqlx::query!("delete from trash_entries where item_key = $1", key).execute(connection).await?;
    }
    Ok(())
}
