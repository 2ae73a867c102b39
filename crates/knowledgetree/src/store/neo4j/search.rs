//! Searching. Words first; parts of names fill up; words nearly like those only where nothing else was found.

use neo4rs::{Query, Row, query};

use super::{
    connection::Server,
    context::company,
    props::Props,
    read::{hidden, visible, way},
};
use crate::{
    domain::{
        item::{Named, ROOT_ID, Visibility},
        search::{
            HitKind, MAX_LIMIT, Match, SearchHit, SearchQuery, lucene, snippet,
            words::{pieces, words},
        },
    },
    store::{StoreError, retry::Attempt},
};

/// So much of a text is looked at for a snippet.
const LOOK: i64 = 200_000;

/// What keeps a hit, by items on its way and by what it is.
const FILTER: &str = concat!(
    " WHERE n.id <> 'root' AND CASE WHEN coalesce(n.is_folder, false) THEN $folders ELSE $articles END
        AND ($kind IS NULL OR CASE WHEN $kind = 'own' THEN n.source IS NULL ELSE n.source_kind = $kind END)",
    way!(),
    "WITH n, score, file, way
     WHERE ($within IS NULL OR any(step IN way WHERE step.id IN $within))
        AND ($company IS NULL OR any(step IN way WHERE step.id IN $company))
        AND none(step IN way WHERE step.id IN $hidden)
        AND ($attached IS NULL OR $attached = any(step IN way WHERE step.is_attached))
     WITH n, score, file, way ORDER BY score DESC, n.id LIMIT $limit "
);

/// What is shown of a hit.
const SHOWN: &str = "
    RETURN n {.id, .name, .is_folder, .is_attached, .read_only, .updated_at, .updated_by} AS n, score,
        [step IN way | step {.id, .name}] AS way, file.id AS file_id, coalesce(file.original_filename, file.filename) AS file_name,
        left(CASE WHEN file IS NULL THEN coalesce(n.content, '') ELSE coalesce(file.text, '') END, $look) AS text
    ORDER BY score DESC, n.id";

/// Where to look.
struct Scope<'a> {
    within: Option<Vec<String>>,
    company: Option<Vec<String>>,
    hidden: Vec<String>,
    folders: bool,
    articles: bool,
    kind: Option<&'a str>,
    attached: Option<bool>,
    limit: usize,
}

impl Scope<'_> {
    fn ask(&self, statement: &str) -> Query {
        query(statement)
            .param("within", self.within.clone())
            .param("company", self.company.clone())
            .param("hidden", self.hidden.clone())
            .param("folders", self.folders)
            .param("articles", self.articles)
            .param("kind", self.kind)
            .param("attached", self.attached)
            .param("limit", i64::try_from(self.limit).unwrap_or_default())
            .param("look", LOOK)
    }
}

pub(super) async fn search(server: &Server, asked: &SearchQuery<'_>) -> Attempt<Vec<SearchHit>> {
    let typed = words(asked.text);
    let Some(exact) = lucene::exact(&typed, "name") else { return Ok(Vec::new()) };
    let Some(scope) = scope(server, asked).await? else { return Ok(Vec::new()) };
    let highlighted = pieces(&typed);
    let files = lucene::exact(&typed, "original_filename").unwrap_or_default();
    let mut hits = by_words(server, &scope, &exact, &files, Match::Words, &highlighted).await?;
    if hits.len() < scope.limit
        && let Some(parts) = lucene::name_part(&typed)
    {
        let more = by_name_part(server, &scope, &parts, &highlighted, asked.text).await?;
        let new: Vec<SearchHit> =
            more.into_iter().filter(|part| hits.iter().all(|hit| hit.item.id != part.item.id)).collect();
        hits.extend(new.into_iter().take(scope.limit - hits.len()));
    }
    if hits.is_empty()
        && let Some(nearly) = lucene::nearly(&typed)
    {
        hits = by_words(server, &scope, &nearly, &nearly, Match::Nearly, &highlighted).await?;
    }
    Ok(hits)
}

async fn scope<'a>(server: &Server, asked: &SearchQuery<'a>) -> Attempt<Option<Scope<'a>>> {
    let within = if asked.start == ROOT_ID {
        None
    } else {
        match visible(server, asked.start, asked.visibility).await.map_err(StoreError::from) {
            Ok(()) => Some(vec![asked.start.to_owned()]),
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    };
    let company = match asked.company {
        None => None,
        Some(id) => {
            let Some(company) = company(server, id).await? else { return Ok(None) };
            let rows = server.read(
                query("MATCH (:Company {id: $id})-[:HAS_CONTEXT]->(n:ContextItem) RETURN collect(n.id) AS ids")
                    .param("id", company),
            );
            Some(rows.await?.first().map(|row| row.get("ids")).transpose()?.unwrap_or_default())
        }
    };
    let (folders, articles, kind) = match asked.kind {
        None => (asked.include_folders, true, None),
        Some(HitKind::Folder) => (true, false, None),
        Some(HitKind::Article) => (false, true, Some("own")),
        Some(HitKind::Contact) => (false, true, Some("contact")),
        Some(HitKind::Asset) => (false, true, Some("asset")),
        Some(HitKind::Ticket) => (false, true, Some("ticket")),
    };
    let hidden = match asked.visibility {
        Visibility::All => Vec::new(),
        Visibility::WithoutCompanies => hidden(server, asked.visibility).await?,
    };
    let limit = asked.limit.clamp(1, MAX_LIMIT);
    Ok(Some(Scope { within, company, hidden, folders, articles, kind, attached: asked.attached, limit }))
}

async fn by_words(
    server: &Server,
    scope: &Scope<'_>,
    items: &str,
    files: &str,
    matched: Match,
    typed: &[&str],
) -> Attempt<Vec<SearchHit>> {
    let statement = format!(
        "CALL {{
            CALL db.index.fulltext.queryNodes('contextItemSearch', $items) YIELD node AS n, score
            WITH n, score, null AS file {FILTER} RETURN n, score, file, way
            UNION ALL
            CALL db.index.fulltext.queryNodes('fileSearch', $files) YIELD node AS file, score
            MATCH (n:ContextItem)-[:HAS_FILE]->(file)
            WITH n, score / 2 AS score, file {FILTER} RETURN n, score, file, way
         }}
         WITH n, way, score, file ORDER BY score DESC
         WITH n, way, head(collect({{score: score, file: file}})) AS best
         WITH n, way, best.score AS score, best.file AS file ORDER BY score DESC, n.id LIMIT $limit {SHOWN}"
    );
    let rows = server.read(scope.ask(&statement).param("items", items).param("files", files)).await?;
    rows.iter().map(|row| hit(row, matched, typed)).collect()
}

async fn by_name_part(
    server: &Server,
    scope: &Scope<'_>,
    parts: &str,
    typed: &[&str],
    text: &str,
) -> Attempt<Vec<SearchHit>> {
    // The index gives every part the same score; the shorter the name, the more of it was typed.
    let statement = format!(
        "CALL db.index.fulltext.queryNodes('contextItemSearch', $parts) YIELD node AS n
         WITH n, toFloat($typed) / size(n.name) AS score, null AS file {FILTER} {SHOWN}"
    );
    let length = i64::try_from(text.chars().count()).unwrap_or_default();
    let mut scope_query = scope.ask(&statement).param("parts", parts).param("typed", length);
    scope_query = scope_query.param("limit", i64::try_from(scope.limit * 2).unwrap_or_default());
    let rows = server.read(scope_query).await?;
    rows.iter().map(|row| hit(row, Match::NamePart, typed)).collect()
}

fn hit(row: &Row, matched: Match, typed: &[&str]) -> Attempt<SearchHit> {
    let file_id: Option<String> = row.get("file_id")?;
    let file_name: Option<String> = row.get("file_name")?;
    let text: String = row.get("text")?;
    let path: Vec<Named> = row.get("way")?;
    Ok(SearchHit {
        item: Props::of(row, "n")?.into(),
        path,
        score: row.get("score")?,
        matched,
        snippet: snippet::of(&text, typed, matched == Match::Nearly),
        file: file_id.zip(file_name).map(|(id, name)| Named { id, name }),
    })
}
