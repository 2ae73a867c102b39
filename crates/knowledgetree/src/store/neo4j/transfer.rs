//! Rows on their way out: export and dump. The shape of the tree is read first, the texts page by page.

use std::collections::HashMap;

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use neo4rs::{Row, query};
use serde::Deserialize;

use super::{
    connection::Server,
    files::{VersionProps, with_text},
    props::{FileProps, Props, format, text, time},
};
use crate::{
    domain::{
        item::ROOT_ID,
        records::{ExportRow, ItemRecord, Record},
        synced::SourceKind,
    },
    store::{Result, StoreError, retry::Attempt, trail::Trail},
};

/// Items whose texts are read at once.
const PAGE: usize = 200;

/// An item of the walk through the tree.
struct Stop {
    id: String,
    parent_id: Option<String>,
    depth: usize,
    /// Topmost item of the subtree in the trash.
    trash_root: Option<String>,
}

#[derive(Deserialize)]
struct Edge {
    id: String,
    parent: Option<String>,
}

/// Items of a label below a parent; `None` those without one.
type Below = HashMap<Option<String>, Vec<String>>;

async fn below(server: &Server, label: &str) -> Attempt<Below> {
    let statement = format!(
        "MATCH (n:{label}) OPTIONAL MATCH (p:{label})-[:PARENT_OF]->(n)
         RETURN n.id AS id, p.id AS parent ORDER BY id"
    );
    let mut below = Below::new();
    for row in server.read(query(&statement)).await? {
        let edge: Edge = row.to()?;
        below.entry(edge.parent).or_default().push(edge.id);
    }
    Ok(below)
}

/// A walk from an item in which each comes after its parent and before whatever is not below that.
fn walk(from: &str, below: &Below, trash_root: Option<&str>, stops: &mut Vec<Stop>) {
    let mut open = vec![(from.to_owned(), None, 0)];
    while let Some((id, parent_id, depth)) = open.pop() {
        let children = below.get(&Some(id.clone())).into_iter().flatten().rev();
        open.extend(children.map(|child| (child.clone(), Some(id.clone()), depth + 1)));
        stops.push(Stop { id, parent_id, depth, trash_root: trash_root.map(str::to_owned) });
    }
}

async fn tree(server: &Server) -> Attempt<Vec<Stop>> {
    let mut stops = Vec::new();
    walk(ROOT_ID, &below(server, "ContextItem").await?, None, &mut stops);
    Ok(stops)
}

/// Properties of items, by id; those that have gone since are missing.
async fn texts(server: &Server, stops: &[Stop], label: &str) -> Attempt<HashMap<String, Props>> {
    let ids: Vec<&str> = stops.iter().map(|stop| stop.id.as_str()).collect();
    let statement = format!("UNWIND $ids AS id MATCH (n:{label} {{id: id}}) RETURN n");
    let mut found = HashMap::new();
    for row in server.read(query(&statement).param("ids", ids)).await? {
        let props = Props::of(&row, "n")?;
        found.insert(props.id.clone(), props);
    }
    Ok(found)
}

/// A stream of what steps give; a step that gives nothing is the end.
fn steps<'a, S, T, F, R>(start: S, step: F) -> BoxStream<'a, Result<T>>
where
    S: Send + 'a,
    T: Send + 'a,
    F: Fn(S) -> R + Send + Sync + Clone + 'a,
    R: Future<Output = Attempt<Option<(Vec<T>, S)>>> + Send + 'a,
{
    stream::try_unfold(start, move |state| {
        let step = step.clone();
        async move { step(state).await.map_err(StoreError::from) }
    })
    .map(|page| match page {
        Ok(rows) => stream::iter(rows.into_iter().map(Ok).collect::<Vec<Result<T>>>()),
        Err(error) => stream::iter(vec![Err(error)]),
    })
    .flatten()
    .boxed()
}

pub(super) fn export(server: &Server) -> BoxStream<'_, Result<ExportRow>> {
    steps((None, Trail::default()), move |(stops, mut trail): (Option<Vec<Stop>>, Trail)| async move {
        let mut stops = match stops {
            Some(stops) => stops,
            // From the end on, so that what is left can be cut off.
            None => tree(server).await?.into_iter().skip(1).rev().collect(),
        };
        let page = stops.split_off(stops.len().saturating_sub(PAGE));
        if page.is_empty() {
            return Ok(None);
        }
        let mut found = texts(server, &page, "ContextItem").await?;
        let mut rows = Vec::new();
        for stop in page.iter().rev() {
            if let Some(props) = found.remove(&stop.id) {
                trail.pass(stop.depth, export_row(props), &mut rows);
            }
        }
        Ok(Some((rows, (Some(stops), trail))))
    })
}

fn export_row(props: Props) -> ExportRow {
    let is_reference = props.read_only();
    ExportRow {
        path: vec![props.name()],
        is_folder: props.is_folder(),
        is_attached: props.is_attached.unwrap_or_default(),
        is_reference,
        content: props.content.filter(|_| !is_reference).unwrap_or_default(),
        content_format: format(props.content_format.as_deref()),
        created_at: time(props.created_at.as_deref()),
        updated_at: time(props.updated_at.as_deref()),
        version: props.version.unwrap_or(1),
    }
}

/// How far a dump has got.
enum Part {
    Start,
    Items(Vec<Stop>),
    Rest(usize),
}

pub(super) fn dump(server: &Server) -> BoxStream<'_, Result<Record>> {
    steps(Part::Start, move |part| async move {
        match part {
            Part::Start => {
                let mut stops = tree(server).await?;
                let trash = below(server, "TrashedItem").await?;
                for top in trash.get(&None).into_iter().flatten() {
                    walk(top, &trash, Some(top), &mut stops);
                }
                stops.reverse();
                Ok(Some((Vec::new(), Part::Items(stops))))
            }
            Part::Items(mut stops) => {
                let page = stops.split_off(stops.len().saturating_sub(PAGE));
                if page.is_empty() {
                    return Ok(Some((Vec::new(), Part::Rest(0))));
                }
                Ok(Some((items(server, &page).await?, Part::Items(stops))))
            }
            Part::Rest(number) => match rest(server, number).await? {
                Some(records) => Ok(Some((records, Part::Rest(number + 1)))),
                None => Ok(None),
            },
        }
    })
}

async fn items(server: &Server, page: &[Stop]) -> Attempt<Vec<Record>> {
    let mut found = texts(server, page, "ContextItem").await?;
    found.extend(texts(server, page, "TrashedItem").await?);
    let stops = page.iter().rev();
    Ok(stops.filter_map(|stop| Some(item(found.remove(&stop.id)?, stop))).collect())
}

fn item(props: Props, stop: &Stop) -> Record {
    Record::Item(Box::new(ItemRecord {
        name: props.name(),
        is_folder: props.is_folder(),
        is_attached: props.is_attached.unwrap_or_default(),
        read_only: props.read_only(),
        id: props.id,
        parent_id: stop.parent_id.clone(),
        content: props.content.unwrap_or_default(),
        content_format: format(props.content_format.as_deref()),
        created_at: time(props.created_at.as_deref()),
        updated_at: time(props.updated_at.as_deref()),
        created_by: props.created_by,
        updated_by: props.updated_by,
        version: props.version.unwrap_or(1),
        source_kind: props.source.as_ref().map(|_| SourceKind::of(props.source_kind.as_deref().unwrap_or_default())),
        source: props.source,
        source_id: props.source_id,
        sync_run: props.sync_run,
        trash_root: stop.trash_root.clone(),
        former_parent_id: props.former_parent_id,
        trashed_at: time(props.trashed_at.as_deref()),
        trashed_by: props.trashed_by,
        trashed_by_sync: props.trashed_by_sync.unwrap_or_default(),
    }))
}

/// What names items, kind by kind.
async fn rest(server: &Server, number: usize) -> Attempt<Option<Vec<Record>>> {
    type Make = fn(&Row) -> Attempt<Record>;
    const KINDS: [(&str, Make); 7] = [
        (
            "MATCH (n)-[:HAS_VERSION]->(v:ItemVersion) WHERE n:ContextItem OR n:TrashedItem
             RETURN n.id AS id, v ORDER BY id, v.version",
            |row| {
                Ok(Record::Version { item_id: text(row, "id")?, version: row.get::<VersionProps>("v")?.into() })
            },
        ),
        (
            "MATCH (n)-[:LINKS_TO]->(m) RETURN n.id AS id, m.id AS to ORDER BY id, to",
            |row| Ok(Record::Link { from: text(row, "id")?, to: text(row, "to")? }),
        ),
        (
            "MATCH (n)-[:HAS_FILE]->(f:File) WHERE n:ContextItem OR n:TrashedItem RETURN n.id AS id, f ORDER BY f.id",
            |row| {
                let (file, text_in_it) = with_text(row.get::<FileProps>("f")?);
                Ok(Record::File { item_id: text(row, "id")?, file, text: text_in_it })
            },
        ),
        (
            "MATCH (c:Company) RETURN c.id AS id, c.name AS name, c.account_number AS account_number,
                toString(c.updated_at) AS updated_at ORDER BY id",
            |row| {
                Ok(Record::Company {
                    id: text(row, "id")?,
                    name: row.get("name")?,
                    account_number: row.get("account_number")?,
                    updated_at: time(row.get::<Option<String>>("updated_at")?.as_deref()),
                })
            },
        ),
        (
            "MATCH (c:Company)-[:HAS_CONTEXT]->(n) RETURN c.id AS id, n.id AS item ORDER BY id, item",
            |row| Ok(Record::CompanyContext { company_id: text(row, "id")?, item_id: text(row, "item")? }),
        ),
        (
            "MATCH (t:Ticket)-[:HAS_CONTEXT]->(n) RETURN t.number AS number, n.id AS item ORDER BY number, item",
            |row| Ok(Record::TicketContext { number: text(row, "number")?, item_id: text(row, "item")? }),
        ),
        (
            "MATCH (s:JobState) RETURN s.key AS key, s.value AS value ORDER BY key",
            |row| Ok(Record::State { key: text(row, "key")?, value: text(row, "value")? }),
        ),
    ];
    let Some((statement, make)) = KINDS.get(number) else { return Ok(None) };
    let rows = server.read(query(statement)).await?;
    Ok(Some(rows.iter().map(make).collect::<Attempt<Vec<Record>>>()?))
}
