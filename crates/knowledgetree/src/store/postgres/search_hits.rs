//! What is shown of what was found.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::{rows::depth, search::Found};
use crate::{
    domain::{
        item::Named,
        listing::Child,
        search::{Match, SearchHit, snippet},
    },
    store::Result,
};

/// So much of a text is looked at for a snippet.
const LOOK: i32 = 200_000;

/// What is shown of a hit.
struct Shown {
    key: i64,
    path: String,
    id: String,
    name: String,
    is_folder: bool,
    is_attached: bool,
    read_only: bool,
    updated_at: Option<DateTime<Utc>>,
    updated_by: Option<String>,
    text: String,
    file_name: Option<String>,
}

pub(super) async fn hits(pool: &PgPool, found: Vec<Found>, typed: &[&str]) -> Result<Vec<SearchHit>> {
    let keys: Vec<i64> = found.iter().map(|hit| hit.key).collect();
    let files: Vec<Option<String>> = found.iter().map(|hit| hit.file_id.clone()).collect();
    let shown = sqlx::query_as!(
        Shown,
        r#"
        select i.key, p.path, i.id, i.name, i.is_folder, i.is_attached, i.read_only, i.updated_at, i.updated_by,
            left(case when f.id is null then i.content else coalesce(f.content_text, '') end, $3) as "text!",
            coalesce(f.original_filename, f.filename) as file_name
        from unnest($1::bigint[], $2::text[]) as h (key, file_id)
        join context_items i on i.key = h.key join tree_paths p on p.item_key = i.key left join files f on f.id = h.file_id
        "#,
        &keys,
        &files as &[Option<String>],
        LOOK
    )
    .fetch_all(pool)
    .await?;
    let names = ways(pool, &shown).await?;
    let mut shown: HashMap<i64, Shown> = shown.into_iter().map(|row| (row.key, row)).collect();
    let seen = found.into_iter().filter_map(|hit| {
        let row = shown.remove(&hit.key)?;
        let path: Vec<Named> =
            row.path.split_terminator('.').filter_map(|key| names.get(key).cloned()).collect();
        // What was taken away since is not shown.
        (path.len() == depth(&row.path)).then(|| SearchHit {
            path,
            score: hit.score,
            matched: hit.matched,
            snippet: snippet::of(&row.text, typed, hit.matched == Match::Nearly),
            file: hit.file_id.zip(row.file_name).map(|(id, name)| Named { id, name }),
            item: Child {
                id: row.id,
                name: row.name,
                is_folder: row.is_folder,
                is_attached: row.is_attached,
                read_only: row.read_only,
                updated_at: row.updated_at,
                updated_by: row.updated_by,
                excerpt: None,
            },
        })
    });
    Ok(seen.collect())
}

/// Names of all on the ways of the hits, by key as it stands in a way.
async fn ways(pool: &PgPool, shown: &[Shown]) -> Result<HashMap<String, Named>> {
    let keys = shown.iter().flat_map(|row| row.path.split_terminator('.')).filter_map(|key| key.parse().ok());
    let mut keys: Vec<i64> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    let rows = sqlx::query!("select key, id, name from context_items where key = any($1)", &keys)
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(|row| (row.key.to_string(), Named { id: row.id, name: row.name })).collect())
}
