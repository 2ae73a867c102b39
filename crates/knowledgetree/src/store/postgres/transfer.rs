//! Rows on their way out: the export, and how rows are read page by page.

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use sqlx::{PgPool, Postgres, Transaction};

use super::{
    connection::snapshot,
    rows::{depth, format},
};
use crate::{
    domain::records::ExportRow,
    store::{
        Result, StoreError,
        retry::{Attempt, Failure},
        trail::Trail,
    },
};

/// Rows that are read at once. A row may have a long text.
pub(super) const PAGE: i64 = 200;

/// A stream of what pages give, all read in one transaction.
pub(super) fn pages<S, T, F>(pool: &PgPool, start: S, page: F) -> BoxStream<'_, Result<T>>
where
    S: Send + 'static,
    T: Send + 'static,
    F: for<'c> Fn(
            &'c mut Transaction<'static, Postgres>,
            &'c mut S,
        ) -> futures::future::BoxFuture<'c, Attempt<Option<Vec<T>>>>
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
        read.await.map_err(|failure: Failure| StoreError::from(failure))
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
        let depth = depth(&row.path) - 1;
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
