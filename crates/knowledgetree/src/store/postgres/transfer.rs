//! Rows on their way out: export and dump.

use chrono::{DateTime, Utc};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use sqlx::{PgPool, Postgres, Transaction};

use super::{connection::snapshot, rows::format};
use crate::{
    domain::{
        files::FileRecord,
        history::Version,
        records::{ExportRow, ItemRecord, Record},
        synced::SourceKind,
    },
    store::{
        Result, StoreError,
        retry::{Attempt, Failure},
        trail::Trail,
    },
};

/// Rows that are read at once. A row may have a long text.
const PAGE: i64 = 200;

/// A stream of what pages give, all read in one transaction.
fn pages<S, T, F>(pool: &PgPool, start: S, page: F) -> BoxStream<'_, Result<T>>
where
    S: Send + 'static,
    T: Send + 'static,
    F: for<'c> Fn(&'c mut Transaction<'static, Postgres>, &'c mut S) -> futures::future::BoxFuture<'c, Attempt<Option<Vec<T>>>>
        + Send
        + Sync
        + Copy
        + 'static,
{
    let reading = stream::try_unfold((None, start), move |(transaction, mut place)| async move {
        let read = async {
            let mut transaction = match transaction {
                Some(transaction) => transaction,
                None => snapshot(pool).await?,
            };
            let rows = page(&mut transaction, &mut place).await?;
            Ok(rows.map(|rows| (rows, (Some(transaction), place))))
        };
        read.await.map_err(|failure: Failure| match failure {
            Failure::Final(error) | Failure::Passing(error) => error,
        })
    });
    reading
        .map(|page: Result<Vec<T>>| match page {
            Ok(rows) => stream::iter(rows.into_iter().map(Ok).collect::<Vec<Result<T>>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        })
        .flatten()
        .boxed()
}

pub(super) fn export(pool: &PgPool) -> BoxStream<'_, Result<ExportRow>> {
    let start = (String::new(), Trail::default());
    pages(pool, start, |transaction, place| Box::pin(export_page(transaction, place)))
}

async fn export_page(
    transaction: &mut Transaction<'static, Postgres>,
    (last, trail): &mut (String, Trail),
) -> Attempt<Option<Vec<ExportRow>>> {
    let rows = sqlx::query!(
        r#"
        select p.path, i.name, case when i.read_only then '' else i.content end as "content!", i.content_format, i.is_folder,
            i.is_attached, i.read_only, i.created_at, i.updated_at, i.version
        from tree_paths p join context_items i on i.key = p.item_key
        where p.path > $1 and p.path > '1.' and p.path < '1/' order by p.path limit $2
        "#,
        last.as_str(),
        PAGE
    )
    .fetch_all(&mut **transaction)
    .await?;
    let Some(end) = rows.last() else { return Ok(None) };
    last.clone_from(&end.path);
    let mut out = Vec::new();
    for row in rows {
        let depth = super::rows::depth(&row.path) - 1;
        let item = ExportRow {
            path: vec![row.name],
            content: row.content,
            content_format: format(row.content_format.as_deref()),
            is_folder: row.is_folder,
            is_attached: row.is_attached,
            is_reference: row.read_only,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        };
        trail.pass(depth, item, &mut out);
    }
    Ok(Some(out))
}

/// How far a dump has got.
#[derive(Clone, Debug)]
enum Part {
    Items(String),
    Versions(i64, i64),
    Links,
    Files(String),
    Rest,
    Done,
}

pub(super) fn dump(pool: &PgPool) -> BoxStream<'_, Result<Record>> {
    pages(pool, Part::Items(String::new()), |transaction, part| Box::pin(dump_page(transaction, part)))
}

async fn dump_page(transaction: &mut Transaction<'static, Postgres>, part: &mut Part) -> Attempt<Option<Vec<Record>>> {
    match part.clone() {
        Part::Items(last) => {
            let (records, last) = items(transaction, &last).await?;
            *part = last.map_or(Part::Versions(0, 0), Part::Items);
            Ok(Some(records))
        }
        Part::Versions(key, version) => {
            let (records, last) = versions(transaction, key, version).await?;
            *part = last.map_or(Part::Links, |(key, version)| Part::Versions(key, version));
            Ok(Some(records))
        }
        Part::Links => {
            *part = Part::Files(String::new());
            links(transaction).await.map(Some)
        }
        Part::Files(last) => {
            let (records, last) = files(transaction, &last).await?;
            *part = last.map_or(Part::Rest, Part::Files);
            Ok(Some(records))
        }
        Part::Rest => {
            *part = Part::Done;
            rest(transaction).await.map(Some)
        }
        Part::Done => Ok(None),
    }
}

async fn items(transaction: &mut Transaction<'static, Postgres>, last: &str) -> Attempt<(Vec<Record>, Option<String>)> {
    let rows = sqlx::query!(
        r#"
        select p.path, i.id, parent.id as "parent_id?", i.name, i.content, i.content_format, i.is_folder, i.is_attached, i.read_only,
            i.created_at, i.updated_at, i.created_by, i.updated_by, i.version, s.source as "source?", s.source_id as "source_id?",
            s.source_kind as "source_kind?", s.sync_run as "sync_run?", top.id as "trash_root?", t.former_parent_id as "former_parent_id?",
            t.trashed_at as "trashed_at?", t.trashed_by as "trashed_by?", t.by_sync as "by_sync?"
        from tree_paths p join context_items i on i.key = p.item_key
        left join context_items parent on parent.key = i.parent_key
        left join synced_items s on s.item_key = i.key
        left join context_items top on top.key = split_part(p.path, '.', 1)::bigint and top.key <> 1
        left join trash_entries t on t.item_key = i.key
        where p.path > $1 order by p.path limit $2
        "#,
        last,
        PAGE
    )
    .fetch_all(&mut **transaction)
    .await?;
    let last = rows.last().map(|row| row.path.clone());
    let records = rows.into_iter().map(|row| {
        Record::Item(Box::new(ItemRecord {
            id: row.id,
            parent_id: row.parent_id,
            name: row.name,
            content: row.content,
            content_format: format(row.content_format.as_deref()),
            is_folder: row.is_folder,
            is_attached: row.is_attached,
            read_only: row.read_only,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
            updated_by: row.updated_by,
            version: row.version,
            source: row.source,
            source_id: row.source_id,
            source_kind: row.source_kind.as_deref().map(SourceKind::of),
            sync_run: row.sync_run,
            trash_root: row.trash_root,
            former_parent_id: row.former_parent_id,
            trashed_at: row.trashed_at,
            trashed_by: row.trashed_by,
            trashed_by_sync: row.by_sync.unwrap_or_default(),
        }))
    });
    Ok((records.collect(), last))
}

async fn versions(
    transaction: &mut Transaction<'static, Postgres>,
    key: i64,
    version: i64,
) -> Attempt<(Vec<Record>, Option<(i64, i64)>)> {
    let rows = sqlx::query!(
        r#"
        select v.item_key, i.id, v.version, v.name, v.content, v.content_format, v.is_attached, v.at, v.by
        from item_versions v join context_items i on i.key = v.item_key
        where (v.item_key, v.version) > ($1, $2) order by v.item_key, v.version limit $3
        "#,
        key,
        version,
        PAGE
    )
    .fetch_all(&mut **transaction)
    .await?;
    let last = rows.last().map(|row| (row.item_key, row.version));
    let records = rows.into_iter().map(|row| Record::Version {
        item_id: row.id,
        version: Version {
            version: row.version,
            name: row.name,
            content: row.content,
            content_format: format(row.content_format.as_deref()),
            is_attached: row.is_attached,
            at: row.at,
            by: row.by,
        },
    });
    Ok((records.collect(), last))
}

async fn links(transaction: &mut Transaction<'static, Postgres>) -> Attempt<Vec<Record>> {
    let rows = sqlx::query!(
        r#"
        select a.id as "from!", b.id as "to!" from item_links l join context_items a on a.key = l.from_key
        join context_items b on b.key = l.to_key order by a.key, b.key
        "#
    )
    .fetch_all(&mut **transaction)
    .await?;
    Ok(rows.into_iter().map(|row| Record::Link { from: row.from, to: row.to }).collect())
}

async fn files(transaction: &mut Transaction<'static, Postgres>, last: &str) -> Attempt<(Vec<Record>, Option<String>)> {
    let rows = sqlx::query!(
        r#"
        select f.id, i.id as item_id, f.filename, f.original_filename, f.size, f.content_type, f.uploaded_by, f.created_at,
            f.content_hash, f.content_text
        from files f join context_items i on i.key = f.item_key where f.id > $1 order by f.id limit $2
        "#,
        last,
        PAGE
    )
    .fetch_all(&mut **transaction)
    .await?;
    let last = rows.last().map(|row| row.id.clone());
    let records = rows.into_iter().map(|row| Record::File {
        item_id: row.item_id,
        file: FileRecord {
            id: row.id,
            filename: row.filename,
            original_filename: row.original_filename,
            size: row.size,
            content_type: row.content_type,
            uploaded_by: row.uploaded_by,
            created_at: row.created_at,
            content_hash: row.content_hash,
        },
        text: row.content_text,
    });
    Ok((records.collect(), last))
}

/// Companies, context and what jobs remember: short rows.
async fn rest(transaction: &mut Transaction<'static, Postgres>) -> Attempt<Vec<Record>> {
    struct Company {
        id: String,
        name: Option<String>,
        account_number: Option<String>,
        updated_at: Option<DateTime<Utc>>,
    }
    let mut records = Vec::new();
    let companies =
        sqlx::query_as!(Company, "select id, name, account_number, updated_at from companies order by id");
    records.extend(companies.fetch_all(&mut **transaction).await?.into_iter().map(|row| Record::Company {
        id: row.id,
        name: row.name,
        account_number: row.account_number,
        updated_at: row.updated_at,
    }));
    let contexts = sqlx::query!(
        "select c.company_id, i.id from company_context c join context_items i on i.key = c.item_key order by c.company_id, i.id"
    );
    records.extend(
        contexts
            .fetch_all(&mut **transaction)
            .await?
            .into_iter()
            .map(|row| Record::CompanyContext { company_id: row.company_id, item_id: row.id }),
    );
    let tickets = sqlx::query!(
        "select t.ticket_number, i.id from ticket_context t join context_items i on i.key = t.item_key order by t.ticket_number, i.id"
    );
    records.extend(
        tickets
            .fetch_all(&mut **transaction)
            .await?
            .into_iter()
            .map(|row| Record::TicketContext { number: row.ticket_number, item_id: row.id }),
    );
    let states = sqlx::query!("select key, value from job_state order by key");
    records.extend(
        states
            .fetch_all(&mut **transaction)
            .await?
            .into_iter()
            .map(|row| Record::State { key: row.key, value: row.value }),
    );
    Ok(records)
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Final(error) | Failure::Passing(error) => error,
        }
    }
}
