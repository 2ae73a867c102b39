//! Records of files, and former states of items.

use sqlx::PgPool;

use super::{
    connection::{Change, begin},
    read::visible,
    rows::{self, format, hidden, is_hidden, unstorable},
};
use crate::{
    domain::{
        files::{FileRecord, NewFile, sort_files},
        history::{Version, VersionSummary},
        item::{Author, Visibility},
        order::{next_time, storable},
    },
    store::{Entity, Result, StoreError, retry::Attempt},
};

/// Files, as [`FileRecord`]s; the end of the statement says which.
macro_rules! record {
    ($end:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::domain::files::FileRecord,
            r#"
            select f.id, f.filename, f.original_filename, f.size, f.content_type, f.uploaded_by, f.created_at, f.content_hash
            from files f
            "# + $end
            $(, $argument)*
        )
    };
}
pub(super) use record;

pub(super) async fn add(pool: &PgPool, item_id: &str, file: &NewFile, author: &Author<'_>) -> Attempt<FileRecord> {
    let mut transaction = begin(pool, Change::Adds).await?;
    let item = rows::spot(&mut transaction, item_id).await?.ok_or_else(|| StoreError::no_item(item_id))?;
    sqlx::query!(
        r#"
        insert into files (id, item_key, filename, original_filename, size, content_type, uploaded_by, created_at, content_hash,
            content_text)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        "#,
        file.id,
        item.key,
        file.filename,
        file.original_filename,
        file.size,
        file.content_type,
        author.user,
        next_time(author.at, None),
        file.content_hash,
        file.text.as_deref().map(storable)
    )
    .execute(&mut *transaction)
    .await?;
    let made = record!("where f.id = $1", file.id).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(made)
}

pub(super) async fn of_item(pool: &PgPool, item_id: &str, visibility: Visibility) -> Result<Vec<FileRecord>> {
    let item = visible(pool, item_id, visibility).await?;
    let mut files = record!("where f.item_key = $1", item.key).fetch_all(pool).await?;
    sort_files(&mut files);
    Ok(files)
}

pub(super) async fn by_stored_name(
    pool: &PgPool,
    filename: &str,
    visibility: Visibility,
) -> Result<(FileRecord, String)> {
    let missing = || StoreError::missing(Entity::File, filename);
    if unstorable(filename) {
        return Err(missing());
    }
    let owner = sqlx::query!(
        r#"
        select i.id, p.path from files f join context_items i on i.key = f.item_key
        join tree_paths p on p.item_key = i.key and p.path >= '1.' and p.path < '1/'
        where f.filename = $1
        "#,
        filename
    )
    .fetch_optional(pool)
    .await?;
    let hidden = hidden(pool, visibility).await?;
    let owner = owner.filter(|owner| !is_hidden(&owner.path, &hidden)).ok_or_else(missing)?;
    let file = record!("where f.filename = $1", filename).fetch_optional(pool).await?.ok_or_else(missing)?;
    Ok((file, owner.id))
}

pub(super) async fn delete(pool: &PgPool, file_id: &str) -> Attempt<FileRecord> {
    let missing = || StoreError::missing(Entity::File, file_id);
    if unstorable(file_id) {
        return Err(missing().into());
    }
    let mut transaction = begin(pool, Change::Adds).await?;
    let file = record!(
        r#"
        join tree_paths p on p.item_key = f.item_key and p.path >= '1.' and p.path < '1/' where f.id = $1 for update of f
        "#,
        file_id
    );
    let file = file.fetch_optional(&mut *transaction).await?.ok_or_else(missing)?;
    sqlx::query!("delete from files where id = $1", file_id).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(file)
}

pub(super) async fn unreferenced(pool: &PgPool, hashes: &[String]) -> Result<Vec<String>> {
    let unused = sqlx::query_scalar!(
        r#"
        select hash as "hash!" from unnest($1::text[]) with ordinality as asked (hash, number)
        where not exists (select from files where content_hash = hash) order by number
        "#,
        hashes
    )
    .fetch_all(pool)
    .await?;
    Ok(unused)
}

pub(super) async fn versions(pool: &PgPool, id: &str, visibility: Visibility) -> Result<Vec<VersionSummary>> {
    let item = visible(pool, id, visibility).await?;
    let versions = sqlx::query_as!(
        VersionSummary,
        r#"
        select version as "version!", name as "name!", length(content)::bigint as "chars!", updated_at as at, updated_by as by
        from context_items where key = $1
        union all
        select version, name, length(content)::bigint, at, by from item_versions where item_key = $1
        order by 1 desc
        "#,
        item.key
    )
    .fetch_all(pool)
    .await?;
    Ok(versions)
}

pub(super) async fn version(pool: &PgPool, id: &str, version: i64, visibility: Visibility) -> Result<Version> {
    let item = visible(pool, id, visibility).await?;
    let row = sqlx::query!(
        r#"
        select version as "version!", name as "name!", content as "content!", content_format, is_attached as "is_attached!",
            updated_at as at, updated_by as by
        from context_items where key = $1 and version = $2
        union all
        select version, name, content, content_format, is_attached, at, by from item_versions where item_key = $1 and version = $2
        limit 1
        "#,
        item.key,
        version
    )
    .fetch_optional(pool)
    .await?;
    let row = row.ok_or_else(|| StoreError::missing(Entity::Version, &version.to_string()))?;
    Ok(Version {
        version: row.version,
        name: row.name,
        content: row.content,
        content_format: format(row.content_format.as_deref()),
        is_attached: row.is_attached,
        at: row.at,
        by: row.by,
    })
}
