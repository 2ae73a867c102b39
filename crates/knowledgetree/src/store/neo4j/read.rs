//! Looking at the tree.

use std::collections::HashMap;

use neo4rs::{Row, query};

use super::{
    connection::Server,
    props::{Props, text},
};
use crate::{
    domain::{
        item::{COMPANIES_ID, COMPANIES_NAME, Item, Named, ROOT_ID, Visibility},
        listing::{Child, EXCERPT_CHARS, FolderNode, Listing, Place},
        order::{by_name, sort_children, sort_items},
        synced::COMPANIES_SOURCE_ID,
    },
    store::{StoreError, retry::Attempt},
};

/// The way from the root to `n`, as `way`. Upwards, where every step is one; from the root down it would be all of the tree.
macro_rules! way {
    () => {
        " CALL { WITH n MATCH way = (n)<-[:PARENT_OF*0..]-(top:ContextItem) WHERE NOT EXISTS { (top)<-[:PARENT_OF]-() }
            RETURN reverse(nodes(way)) AS way LIMIT 1 } "
    };
}
pub(super) use way;

/// What a list shows of `c`.
macro_rules! child {
    () => {
        " c {.id, .name, .is_folder, .is_attached, .read_only, .updated_at, .updated_by} "
    };
}

/// Ids of what a reader does not see, with all below it.
pub(super) async fn hidden(server: &Server, visibility: Visibility) -> Attempt<Vec<String>> {
    if visibility == Visibility::All {
        return Ok(Vec::new());
    }
    let rows = server.read(
        query(
            "MATCH (:ContextItem {id: $root})-[:PARENT_OF]->(n:ContextItem {name: $name}) RETURN n.id AS id
             UNION MATCH (n:ContextItem {id: $id}) RETURN n.id AS id
             UNION MATCH (n:ContextItem {source: 'codex', source_id: $source_id}) RETURN n.id AS id",
        )
        .param("root", ROOT_ID)
        .param("name", COMPANIES_NAME)
        .param("id", COMPANIES_ID)
        .param("source_id", COMPANIES_SOURCE_ID),
    );
    rows.await?.iter().map(|row| text(row, "id")).collect()
}

/// Id and name.
pub(super) fn named(row: &Row, id: &str, name: &str) -> Attempt<Named> {
    Ok(Named { id: text(row, id)?, name: row.get::<Option<String>>(name)?.unwrap_or_default() })
}

fn is_hidden(way: &[Named], hidden: &[String]) -> bool {
    way.iter().any(|step| hidden.contains(&step.id))
}

pub(super) async fn item(server: &Server, id: &str, visibility: Visibility) -> Attempt<Item> {
    let missing = || StoreError::no_item(id);
    if visibility != Visibility::All {
        breadcrumbs(server, id, visibility).await?;
    }
    let rows = server.read(
        query("MATCH (n:ContextItem {id: $id}) RETURN n, head([(p:ContextItem)-[:PARENT_OF]->(n) | p.id]) AS parent_id")
            .param("id", id),
    );
    let rows = rows.await?;
    let row = rows.first().ok_or_else(missing)?;
    Ok(Props::of(row, "n")?.into_item(row.get("parent_id")?))
}

pub(super) async fn breadcrumbs(server: &Server, id: &str, visibility: Visibility) -> Attempt<Vec<Named>> {
    let hidden = hidden(server, visibility).await?;
    let rows = server.read(
        query(concat!(
            "MATCH (n:ContextItem {id: $id})",
            way!(),
            "RETURN [step IN way | step {.id, .name}] AS way"
        ))
        .param("id", id),
    );
    let rows = rows.await?;
    let way: Vec<Named> = match rows.first() {
        Some(row) => row.get("way")?,
        None => Vec::new(),
    };
    if way.is_empty() || is_hidden(&way, &hidden) { Err(StoreError::no_item(id).into()) } else { Ok(way) }
}

/// An error where the reader does not see the item.
pub(super) async fn visible(server: &Server, id: &str, visibility: Visibility) -> Attempt<()> {
    match visibility {
        Visibility::All => {
            let rows = server.read(query("MATCH (n:ContextItem {id: $id}) RETURN n.id AS id").param("id", id));
            if rows.await?.is_empty() { Err(StoreError::no_item(id).into()) } else { Ok(()) }
        }
        Visibility::WithoutCompanies => breadcrumbs(server, id, visibility).await.map(drop),
    }
}

/// Id and name of the item at the end of a path. Only the names of the variables are built, from how many names there are.
pub(super) async fn resolve(server: &Server, path: &[String], visibility: Visibility) -> Attempt<Named> {
    let missing = || StoreError::no_item(&path.join("/"));
    // No item can be deeper.
    if path.len() >= crate::domain::order::MAX_DEPTH {
        return Err(missing().into());
    }
    let mut statement = "MATCH (n0:ContextItem {id: $root})".to_owned();
    for step in 1..=path.len() {
        // A step of its own, so that the names are looked for among the children of the folder before, not among all items.
        statement.push_str(&format!(
            " WITH n{before} MATCH (n{before})-[:PARENT_OF]->(n{step}:ContextItem) WHERE n{step}.name = $path[{before}]",
            before = step - 1
        ));
    }
    statement.push_str(&format!(" RETURN n{last}.id AS id, n{last}.name AS name LIMIT 1", last = path.len()));
    let rows = server.read(query(&statement).param("root", ROOT_ID).param("path", path));
    let found = named(rows.await?.first().ok_or_else(missing)?, "id", "name")?;
    if visibility != Visibility::All {
        breadcrumbs(server, &found.id, visibility).await.map_err(|_| missing())?;
    }
    Ok(found)
}

pub(super) async fn browse(
    server: &Server,
    place: Place<'_>,
    excerpts: bool,
    visibility: Visibility,
) -> Attempt<Listing> {
    let id = match place {
        Place::Id(id) => id.to_owned(),
        Place::Path(path) => resolve(server, path, visibility).await?.id,
    };
    let hidden = hidden(server, visibility).await?;
    let statement = if excerpts {
        concat!(
            "MATCH (c:ContextItem {id: $id}) WITH c, c AS n",
            way!(),
            "RETURN",
            child!(),
            "AS item, [step IN way | step {.id, .name}] AS way, [(n)-[:PARENT_OF]->(c:ContextItem) | c {.id, .name, .is_folder,
                .is_attached, .read_only, .updated_at, .updated_by,
                excerpt: CASE WHEN c.is_folder THEN null ELSE left(coalesce(c.content, ''), $units) END}] AS children"
        )
    } else {
        concat!(
            "MATCH (c:ContextItem {id: $id}) WITH c, c AS n",
            way!(),
            "RETURN",
            child!(),
            "AS item, [step IN way | step {.id, .name}] AS way, [(n)-[:PARENT_OF]->(c:ContextItem) |",
            child!(),
            "] AS children"
        )
    };
    // The server counts the halves of rare characters.
    let units = i64::try_from(2 * (EXCERPT_CHARS + 1)).unwrap_or(i64::MAX);
    let rows = server.read(query(statement).param("id", id.as_str()).param("units", units)).await?;
    let row = rows.first().ok_or_else(|| StoreError::no_item(&id))?;
    let breadcrumbs: Vec<Named> = row.get("way")?;
    if is_hidden(&breadcrumbs, &hidden) {
        return Err(StoreError::no_item(&id).into());
    }
    let children: Vec<Props> = row.get("children")?;
    let seen = children.into_iter().filter(|child| !hidden.contains(&child.id));
    let mut children: Vec<Child> = seen.map(Child::from).collect();
    for child in &mut children {
        if let Some(excerpt) = &mut child.excerpt {
            *excerpt = excerpt.chars().take(EXCERPT_CHARS + 1).collect();
        }
    }
    sort_children(&mut children);
    Ok(Listing { item: Props::of(row, "item")?.into(), breadcrumbs, children })
}

pub(super) async fn children_with_content(server: &Server, id: &str, visibility: Visibility) -> Attempt<Vec<Item>> {
    visible(server, id, visibility).await?;
    let hidden = hidden(server, visibility).await?;
    let rows = server.read(
        query("MATCH (:ContextItem {id: $id})-[:PARENT_OF]->(n:ContextItem) RETURN n").param("id", id),
    );
    let mut items = Vec::new();
    for row in rows.await? {
        let props = Props::of(&row, "n")?;
        if !hidden.contains(&props.id) {
            items.push(props.into_item(Some(id.to_owned())));
        }
    }
    sort_items(&mut items);
    Ok(items)
}

pub(super) async fn folder_tree(server: &Server, visibility: Visibility) -> Attempt<FolderNode> {
    let hidden = hidden(server, visibility).await?;
    let rows = server.read(query(
        "MATCH (p:ContextItem)-[:PARENT_OF]->(n:ContextItem) WHERE n.is_folder
         RETURN p.id AS parent, n {.id, .name, .is_attached, .read_only} AS n
         UNION ALL MATCH (n:ContextItem {id: 'root'}) RETURN null AS parent, n {.id, .name, .is_attached, .read_only} AS n",
    ));
    let mut below: HashMap<String, Vec<Props>> = HashMap::new();
    let mut root = None;
    for row in rows.await? {
        let props = Props::of(&row, "n")?;
        match row.get::<Option<String>>("parent")? {
            Some(parent) if !hidden.contains(&props.id) => below.entry(parent).or_default().push(props),
            Some(_) => {}
            None => root = Some(props),
        }
    }
    let root = root.ok_or_else(|| StoreError::Failed("the root is missing".to_owned()))?;
    Ok(folder(root, &mut below))
}

/// A folder with those in it. The depth of a tree is limited.
fn folder(props: Props, below: &mut HashMap<String, Vec<Props>>) -> FolderNode {
    let children = below.remove(&props.id).unwrap_or_default();
    let mut children: Vec<FolderNode> = children.into_iter().map(|child| folder(child, below)).collect();
    children.sort_by(|a, b| by_name(&a.name, &b.name));
    FolderNode {
        name: props.name(),
        is_attached: props.is_attached.unwrap_or_default(),
        read_only: props.read_only(),
        id: props.id,
        children,
    }
}

pub(super) async fn back_links(server: &Server, id: &str, visibility: Visibility) -> Attempt<Vec<Named>> {
    visible(server, id, visibility).await?;
    let hidden = hidden(server, visibility).await?;
    let rows = server.read(
        query(concat!(
            "MATCH (n:ContextItem)-[:LINKS_TO]->(:ContextItem {id: $id})",
            way!(),
            "WITH n, way WHERE none(step IN way WHERE step.id IN $hidden) RETURN n.id AS id, n.name AS name"
        ))
        .param("id", id)
        .param("hidden", hidden),
    );
    let mut links = rows.await?.iter().map(|row| named(row, "id", "name")).collect::<Attempt<Vec<Named>>>()?;
    links.sort_by(|a, b| by_name(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
    Ok(links)
}
