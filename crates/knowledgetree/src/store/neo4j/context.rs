//! What belongs to tickets and companies, and what context texts are made of.

use chrono::{DateTime, Utc};
use neo4rs::{BoltType, Query, Row, query};

use super::{
    connection::Server,
    files,
    props::{Props, iso, map, text},
    read::{breadcrumbs, hidden, named, visible, way},
};
use crate::{
    domain::{
        item::{Item, Named, Visibility},
        material::{ContextArticle, ContextMaterial, ContextStep, MaterialQuery, SubtreeMaterial},
        order::by_name,
        synced::{CompanyRow, ContextOwner, TicketRow},
    },
    store::{Entity, StoreError, retry::Attempt},
};

/// Id of the company with this id or account number.
pub(super) async fn company(server: &Server, id: &str) -> Attempt<Option<String>> {
    let rows = server.read(
        query(
            "CALL { MATCH (c:Company {id: $id}) RETURN c, 0 AS place
                UNION MATCH (c:Company {account_number: $id}) RETURN c, 1 AS place }
             RETURN c.id AS id ORDER BY place, id LIMIT 1",
        )
        .param("id", id),
    );
    rows.await?.first().map(|row| text(row, "id")).transpose()
}

/// The statement for the kind of owner, with the owner as `$owner`; none for a company that is not known.
async fn owned(
    server: &Server,
    owner: ContextOwner<'_>,
    ticket: &str,
    company_statement: &str,
) -> Attempt<Option<Query>> {
    Ok(match owner {
        ContextOwner::Ticket(number) => Some(query(ticket).param("owner", number)),
        ContextOwner::Company(id) => {
            company(server, id).await?.map(|id| query(company_statement).param("owner", id))
        }
    })
}

pub(super) async fn link(server: &Server, owner: ContextOwner<'_>, item_id: &str) -> Attempt<()> {
    let mut work = server.begin().await?;
    super::write::found(&mut work, item_id).await?;
    let statement = owned(
        server,
        owner,
        "MATCH (n:ContextItem {id: $item}) MERGE (o:Ticket {number: $owner}) MERGE (o)-[:HAS_CONTEXT]->(n)",
        "MATCH (n:ContextItem {id: $item}), (o:Company {id: $owner}) MERGE (o)-[:HAS_CONTEXT]->(n)",
    );
    let Some(statement) = statement.await? else {
        let (ContextOwner::Company(id) | ContextOwner::Ticket(id)) = owner;
        return Err(StoreError::missing(Entity::Company, id).into());
    };
    work.run(statement.param("item", item_id)).await?;
    work.commit().await
}

pub(super) async fn unlink(server: &Server, owner: ContextOwner<'_>, item_id: &str) -> Attempt<()> {
    let missing = || StoreError::missing(Entity::Context, item_id);
    let statement = owned(
        server,
        owner,
        "MATCH (:Ticket {number: $owner})-[link:HAS_CONTEXT]->(n {id: $item}) WHERE n:ContextItem OR n:TrashedItem
         DELETE link RETURN count(*) AS gone",
        "MATCH (:Company {id: $owner})-[link:HAS_CONTEXT]->(n {id: $item}) WHERE n:ContextItem OR n:TrashedItem
         DELETE link RETURN count(*) AS gone",
    );
    let statement = statement.await?.ok_or_else(missing)?;
    let mut work = server.begin().await?;
    let row = work.row(statement.param("item", item_id)).await?;
    let gone = row.map(|row| row.get::<i64>("gone")).transpose()?.unwrap_or_default();
    work.commit().await?;
    if gone == 0 { Err(missing().into()) } else { Ok(()) }
}

pub(super) async fn of(server: &Server, owner: ContextOwner<'_>, visibility: Visibility) -> Attempt<Vec<Item>> {
    let hidden = hidden(server, visibility).await?;
    let statement = owned(
        server,
        owner,
        concat!(
            "MATCH (:Ticket {number: $owner})-[:HAS_CONTEXT]->(n:ContextItem) WITH DISTINCT n",
            way!(),
            "WITH n, way WHERE none(step IN way WHERE step.id IN $hidden)
             RETURN n, CASE WHEN size(way) > 1 THEN way[size(way) - 2].id END AS parent_id"
        ),
        concat!(
            "MATCH (:Company {id: $owner})-[:HAS_CONTEXT]->(n:ContextItem) WITH DISTINCT n",
            way!(),
            "WITH n, way WHERE none(step IN way WHERE step.id IN $hidden)
             RETURN n, CASE WHEN size(way) > 1 THEN way[size(way) - 2].id END AS parent_id"
        ),
    );
    let Some(statement) = statement.await? else { return Ok(Vec::new()) };
    let mut items = Vec::new();
    for row in server.read(statement.param("hidden", hidden)).await? {
        items.push(Props::of(&row, "n")?.into_item(row.get("parent_id")?));
    }
    items.sort_by(|a, b| by_name(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
    Ok(items)
}

fn article(row: &Row) -> Attempt<ContextArticle> {
    let folder = row.get::<Option<String>>("folder_id")?.is_some();
    let content_format: Option<String> = row.get("content_format")?;
    Ok(ContextArticle {
        id: text(row, "id")?,
        name: row.get::<Option<String>>("name")?.unwrap_or_default(),
        content: row.get::<Option<String>>("content")?.unwrap_or_default(),
        content_format: super::props::format(content_format.as_deref()),
        attached_folder: if folder { Some(named(row, "folder_id", "folder_name")?) } else { None },
    })
}

/// Reads articles until one more than fits has come; whether all came.
async fn within(server: &Server, statement: Query, limit: usize) -> Attempt<(Vec<Row>, bool)> {
    let mut read = 0;
    let mut is_over = false;
    let mut complete = true;
    let mut rows = server
        .read_until(statement, |row| {
            if is_over {
                complete = false;
                return true;
            }
            read += row.get::<&str>("content").map_or(0, str::len);
            is_over = read > limit;
            false
        })
        .await?;
    if !complete {
        rows.pop();
    }
    Ok((rows, complete))
}

pub(super) async fn material(
    server: &Server,
    id: &str,
    asked: MaterialQuery<'_>,
    visibility: Visibility,
) -> Attempt<ContextMaterial> {
    let hidden = hidden(server, visibility).await?;
    let path = breadcrumbs(server, id, visibility).await?;
    let statement = concat!(
        "MATCH (n:ContextItem {id: $id})",
        way!(),
        "UNWIND range(0, size(way) - 1) AS step
         WITH step, way[step] AS at
         CALL {
            WITH at MATCH (at)-[:PARENT_OF]->(a:ContextItem) WHERE NOT coalesce(a.is_folder, false)
            RETURN a, null AS folder
            UNION ALL
            WITH at MATCH (at)-[:PARENT_OF]->(folder:ContextItem)
            WHERE folder.is_folder AND folder.is_attached AND NOT folder.id IN $excluded AND NOT folder.id IN $hidden
            MATCH (folder)-[:PARENT_OF*1..]->(a:ContextItem) WHERE NOT coalesce(a.is_folder, false)
            RETURN a, folder
         }
         WITH a, step, folder ORDER BY folder IS NOT NULL, step, folder.name, folder.id
         WITH a, head(collect({step: step, folder: folder})) AS place
         WITH a, place.step AS step, place.folder AS folder
         WHERE NOT a.id IN $hidden
         WITH a, step, folder
         ORDER BY step, folder IS NOT NULL, toLower(folder.name), folder.id, toLower(a.name), a.id
         RETURN step, folder.id AS folder_id, folder.name AS folder_name, a.id AS id, a.name AS name,
            coalesce(a.content, '') AS content, a.content_format AS content_format"
    );
    let statement = query(statement).param("id", id).param("excluded", asked.excluded).param("hidden", hidden);
    let (rows, complete) = within(server, statement, asked.limit_bytes).await?;
    let mut steps: Vec<ContextStep> =
        path.into_iter().map(|item| ContextStep { item, articles: Vec::new() }).collect();
    for row in rows {
        let step = usize::try_from(row.get::<i64>("step")?).unwrap_or(usize::MAX);
        // A step that is not there was moved away between the two looks.
        if let Some(step) = steps.get_mut(step) {
            step.articles.push(article(&row)?);
        }
    }
    Ok(ContextMaterial { path: steps, files: files::of_item(server, id, visibility).await?, complete })
}

pub(super) async fn subtree(
    server: &Server,
    id: &str,
    asked: MaterialQuery<'_>,
    visibility: Visibility,
) -> Attempt<SubtreeMaterial> {
    visible(server, id, visibility).await?;
    let hidden = hidden(server, visibility).await?;
    // Articles of a folder stand before its folders: so does the sign before their names.
    let statement = "
        MATCH (top:ContextItem {id: $id})
        MATCH way = (top)-[:PARENT_OF*0..]->(a:ContextItem)
        WHERE NOT coalesce(a.is_folder, false)
            AND none(step IN nodes(way)[1..] WHERE step.id IN $hidden
                OR (step.is_folder AND step.is_attached AND step.id IN $excluded))
        WITH a, nodes(way) AS way
        WITH a, [step IN way | step.name] AS names,
            [step IN way | CASE WHEN step.is_folder THEN '1' ELSE '0' END + toLower(step.name) + '\u{1}' + step.id] AS place
        ORDER BY place
        RETURN names, null AS folder_id, a.id AS id, a.name AS name, coalesce(a.content, '') AS content,
            a.content_format AS content_format";
    let statement = query(statement).param("id", id).param("excluded", asked.excluded).param("hidden", hidden);
    let (rows, complete) = within(server, statement, asked.limit_bytes).await?;
    let mut articles = Vec::new();
    for row in rows {
        let mut names: Vec<String> = row.get("names")?;
        // The last name is the article's own.
        if names.len() > 1 {
            names.pop();
        }
        articles.push((names, article(&row)?));
    }
    Ok(SubtreeMaterial { articles, complete })
}

pub(super) async fn attached_folders(server: &Server, id: &str, visibility: Visibility) -> Attempt<Vec<Named>> {
    visible(server, id, visibility).await?;
    let hidden = hidden(server, visibility).await?;
    let rows = server.read(
        query(concat!(
            "MATCH (n:ContextItem {id: $id})",
            way!(),
            "UNWIND way AS step MATCH (step)-[:PARENT_OF]->(folder:ContextItem)
             WHERE folder.is_folder AND folder.is_attached AND NOT folder.id IN $hidden
             RETURN DISTINCT folder.id AS id, folder.name AS name"
        ))
        .param("id", id)
        .param("hidden", hidden),
    );
    let mut folders = rows.await?.iter().map(|row| named(row, "id", "name")).collect::<Attempt<Vec<Named>>>()?;
    folders.sort_by(|a, b| by_name(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
    Ok(folders)
}

pub(super) async fn merge_companies(server: &Server, companies: &[CompanyRow], at: DateTime<Utc>) -> Attempt<()> {
    let rows = companies.iter().map(|company| {
        map([
            ("id", company.id.as_str().into()),
            ("name", company.name.as_str().into()),
            ("account_number", company.account_number.as_str().into()),
            ("folder", company.folder_id.as_deref().into()),
        ])
    });
    let rows: BoltType = rows.collect();
    let mut work = server.begin().await?;
    work.run(
        query(
            "UNWIND $rows AS row
             MERGE (c:Company {id: row.id})
             SET c.name = row.name, c.account_number = row.account_number, c.updated_at = datetime($at)
             WITH c, row WHERE row.folder IS NOT NULL
             MATCH (n:ContextItem {id: row.folder}) MERGE (c)-[:HAS_CONTEXT]->(n)",
        )
        .param("rows", rows)
        .param("at", iso(at)),
    )
    .await?;
    work.commit().await
}

pub(super) async fn keep_companies(server: &Server, ids: &[String]) -> Attempt<u64> {
    let mut work = server.begin().await?;
    let row = work.row(
        query("MATCH (c:Company) WHERE NOT c.id IN $ids DETACH DELETE c RETURN count(*) AS gone").param("ids", ids),
    );
    let gone = row.await?.map(|row| row.get::<i64>("gone")).transpose()?.unwrap_or_default();
    work.commit().await?;
    Ok(u64::try_from(gone).unwrap_or_default())
}

pub(super) async fn merge_tickets(server: &Server, tickets: &[TicketRow]) -> Attempt<()> {
    let rows = tickets.iter().map(|ticket| {
        map([("number", ticket.number.as_str().into()), ("items", ticket.item_ids.as_slice().into())])
    });
    let rows: BoltType = rows.collect();
    let mut work = server.begin().await?;
    work.run(
        query(
            "UNWIND $rows AS row
             MERGE (t:Ticket {number: row.number})
             WITH t, row UNWIND row.items AS id
             MATCH (n:ContextItem {id: id}) MERGE (t)-[:HAS_CONTEXT]->(n)",
        )
        .param("rows", rows),
    )
    .await?;
    work.commit().await
}
