//! Searching. Words first; parts of names fill up; words nearly like those only where nothing else was found.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::{
    context::company,
    rows::{ROOT_KEY, depth, hidden, is_hidden, spot},
};
use crate::{
    domain::{
        item::Named,
        listing::Child,
        search::{
            HitKind, MAX_LIMIT, Match, SearchHit, SearchQuery, snippet, tsquery,
            words::{Word, distance, pieces, tolerance, words},
        },
    },
    store::Result,
};

/// Hits that are ranked; names before texts. Of a word that is everywhere nobody sees more, and ranking reads every text.
const RANKED: i64 = 2000;
/// So much of a text is looked at for a snippet.
const LOOK: i32 = 200_000;
/// Words tried for a mistyped one.
const ALTERNATIVES: usize = 12;

/// Where to look, and for what.
struct Scope<'a> {
    /// Ways of which one must be the beginning.
    within: Vec<String>,
    hidden: Vec<String>,
    folders: bool,
    articles: bool,
    kind: Option<&'a str>,
    attached: Option<bool>,
    limit: i64,
}

pub(super) async fn search(pool: &PgPool, query: &SearchQuery<'_>) -> Result<Vec<SearchHit>> {
    let typed = words(query.text);
    let Some(exact) = tsquery::exact(&typed) else { return Ok(Vec::new()) };
    let Some(scope) = scope(pool, query).await? else { return Ok(Vec::new()) };
    let limit = usize::try_from(scope.limit).unwrap_or(MAX_LIMIT);
    let mut found = by_words(pool, &exact, &scope, Match::Words).await?;
    if found.len() < limit {
        let parts = by_name_part(pool, &typed, query.text, &scope).await?;
        let new: Vec<Found> =
            parts.into_iter().filter(|part| found.iter().all(|hit| hit.key != part.key)).collect();
        found.extend(new.into_iter().take(limit - found.len()));
    }
    if found.is_empty()
        && let Some(nearly) = tsquery::nearly(&alternatives(pool, &typed).await?)
    {
        found = by_words(pool, &nearly, &scope, Match::Nearly).await?;
    }
    hits(pool, found, &pieces(&typed)).await
}

async fn scope<'a>(pool: &PgPool, query: &SearchQuery<'a>) -> Result<Option<Scope<'a>>> {
    let hidden = hidden(pool, query.visibility).await?;
    let mut connection = pool.acquire().await?;
    let start = spot(&mut connection, query.start).await?;
    let Some(start) = start.filter(|start| !is_hidden(&start.path, &hidden)) else { return Ok(None) };
    let within = match query.company {
        None => vec![start.path],
        Some(id) => {
            let Some(company) = company(&mut *connection, id).await? else { return Ok(None) };
            let paths = sqlx::query_scalar!(
                "select p.path from company_context c join tree_paths p on p.item_key = c.item_key where c.company_id = $1",
                company
            )
            .fetch_all(&mut *connection)
            .await?;
            // The smaller one of two that overlap.
            let inside = paths.into_iter().filter_map(|path| {
                if path.starts_with(&start.path) {
                    Some(path)
                } else {
                    start.path.starts_with(&path).then(|| start.path.clone())
                }
            });
            inside.collect()
        }
    };
    let (folders, articles, kind) = match query.kind {
        None => (query.include_folders, true, None),
        Some(HitKind::Folder) => (true, false, None),
        Some(HitKind::Article) => (false, true, Some("own")),
        Some(HitKind::Contact) => (false, true, Some("contact")),
        Some(HitKind::Asset) => (false, true, Some("asset")),
        Some(HitKind::Ticket) => (false, true, Some("ticket")),
    };
    let limit = i64::try_from(query.limit.clamp(1, MAX_LIMIT)).unwrap_or_default();
    Ok(Some(Scope { within, hidden, folders, articles, kind, attached: query.attached, limit }))
}

/// An item that fits.
struct Found {
    key: i64,
    file_id: Option<String>,
    score: f64,
    matched: Match,
}

async fn by_words(pool: &PgPool, text: &str, scope: &Scope<'_>, matched: Match) -> Result<Vec<Found>> {
    let rows = sqlx::query!(
        r#"
        with asked as materialized (
            select to_tsquery('simple', $1) as q
        ), candidates as (
            select i.key, null::text as file_id, 0 as place from context_items i, asked where text_words(i.name) @@ asked.q
            union all
            select i.key, null, 1 from context_items i, asked where i.words @@ asked.q
            union all
            select f.item_key, f.id, 2 from files f, asked where f.words @@ asked.q
        ), inside as (
            select c.key, c.file_id, min(c.place) as place
            from candidates c join context_items i on i.key = c.key
            join tree_paths p on p.item_key = c.key
            left join synced_items s on s.item_key = c.key
            where exists (select from unnest($2::text[]) within where starts_with(p.path, within))
                and not exists (select from unnest($3::text[]) hidden where starts_with(p.path, hidden))
                and c.key <> $10
                and case when i.is_folder then $4::bool else $5::bool end
                and case when $6::text is null then true when $6 = 'own' then s.item_key is null else s.source_kind = $6 end
                and ($7::bool is null or $7 = exists (
                    select from context_items above
                    where above.key = any(string_to_array(rtrim(p.path, '.'), '.')::bigint[]) and above.is_attached
                ))
            group by c.key, c.file_id
            order by place, c.key
            limit $8
        ), ranked as (
            select distinct on (n.key) n.key, n.file_id,
                case when n.file_id is null then ts_rank(i.words, asked.q) else ts_rank(f.words, asked.q) / 2 end as score, i.id
            from inside n join context_items i on i.key = n.key left join files f on f.id = n.file_id, asked
            order by n.key, score desc, n.file_id
        )
        select key as "key!", file_id, score::float8 as "score!" from ranked order by score desc, id collate "C" limit $9
        "#,
        text,
        &scope.within,
        &scope.hidden,
        scope.folders,
        scope.articles,
        scope.kind,
        scope.attached,
        RANKED,
        scope.limit,
        ROOT_KEY
    )
    .fetch_all(pool)
    .await?;
    let found = rows.into_iter();
    Ok(found.map(|row| Found { key: row.key, file_id: row.file_id, score: row.score, matched }).collect())
}

async fn by_name_part(pool: &PgPool, typed: &[Word], text: &str, scope: &Scope<'_>) -> Result<Vec<Found>> {
    let Some((longest, all)) = tsquery::name_part(typed) else { return Ok(Vec::new()) };
    let rows = sqlx::query!(
        r#"
        select i.key, length($9)::float8 / length(i.name) as "score!"
        from context_items i join tree_paths p on p.item_key = i.key left join synced_items s on s.item_key = i.key
        where lower(i.name) like $1 and lower(i.name) like all ($2::text[])
            and exists (select from unnest($3::text[]) within where starts_with(p.path, within))
            and not exists (select from unnest($4::text[]) hidden where starts_with(p.path, hidden))
            and i.key <> $11
            and case when i.is_folder then $5::bool else $6::bool end
            and case when $7::text is null then true when $7 = 'own' then s.item_key is null else s.source_kind = $7 end
            and ($8::bool is null or $8 = exists (
                select from context_items above
                where above.key = any(string_to_array(rtrim(p.path, '.'), '.')::bigint[]) and above.is_attached
            ))
        order by 2 desc, i.id collate "C"
        limit $10
        "#,
        longest,
        &all,
        &scope.within,
        &scope.hidden,
        scope.folders,
        scope.articles,
        scope.kind,
        scope.attached,
        text.replace('\0', ""),
        scope.limit * 2,
        ROOT_KEY
    )
    .fetch_all(pool)
    .await?;
    let found = rows.into_iter();
    Ok(found.map(|row| Found { key: row.key, file_id: None, score: row.score, matched: Match::NamePart }).collect())
}

/// Words that were written and are nearly like those typed, the nearest first.
async fn alternatives(pool: &PgPool, typed: &[Word]) -> Result<Vec<Vec<String>>> {
    let mut all = Vec::new();
    for piece in pieces(typed) {
        let letters = tolerance(piece);
        let mut near = vec![(0, piece.to_owned())];
        if letters > 0 {
            let length = i32::try_from(piece.chars().count()).unwrap_or(i32::MAX);
            let span = i32::try_from(letters).unwrap_or_default();
            let written = sqlx::query_scalar!(
                "select word from search_words where length(word) between $1 and $2 and word like any ($3)",
                length - span,
                length + span,
                &intact(piece, letters)
            )
            .fetch_all(pool)
            .await?;
            near.extend(written.into_iter().map(|word| (distance(piece, &word), word)).filter(|near| near.0 <= letters));
        }
        near.sort();
        near.dedup();
        all.push(near.into_iter().take(ALTERNATIVES).map(|(_, word)| word).collect());
    }
    Ok(all)
}

/// Patterns of which one fits every word with at most so many mistakes: a mistake spoils at most two of the parts.
fn intact(piece: &str, letters: usize) -> Vec<String> {
    let piece: Vec<char> = piece.chars().collect();
    let parts = (2 * letters + 1).min(piece.len());
    let edges: Vec<usize> = (0..=parts).map(|part| part * piece.len() / parts).collect();
    edges.windows(2).map(|edge| format!("%{}%", piece[edge[0]..edge[1]].iter().collect::<String>())).collect()
}

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

async fn hits(pool: &PgPool, found: Vec<Found>, typed: &[&str]) -> Result<Vec<SearchHit>> {
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
        let path: Vec<Named> = row.path.split_terminator('.').filter_map(|key| names.get(key).cloned()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_mistakes_keeps_one_part() {
        assert_eq!(intact("printer", 2), ["%p%", "%r%", "%in%", "%t%", "%er%"]);
        for wrong in ["pritner", "rpinter", "printre", "brinder", "prnter", "prinnters", "iprnetr"] {
            assert!(distance("printer", wrong) <= 2, "{wrong}");
            let fits = intact("printer", 2).iter().any(|part| wrong.contains(part.trim_matches('%')));
            assert!(fits, "{wrong}");
        }
    }
}
