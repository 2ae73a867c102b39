//! What jobs remember, and how much there is.

use neo4rs::query;

use super::{connection::Server, props::text};
use crate::{
    domain::synced::Counts,
    store::{StoreError, retry::Attempt},
};

pub(super) async fn counts(server: &Server) -> Attempt<Counts> {
    let rows = server.read(query(
        "CALL { MATCH (n:ContextItem) RETURN sum(CASE WHEN n.is_folder THEN 1 ELSE 0 END) AS folders,
            sum(CASE WHEN coalesce(n.is_folder, false) THEN 0 ELSE 1 END) AS articles,
            sum(CASE WHEN n.source_kind IN ['company', 'person', 'contact', 'asset', 'group'] AND n.source_id <> 'companies'
                THEN 1 ELSE 0 END) AS company_items,
            sum(CASE WHEN n.source_kind = 'ticket' AND NOT coalesce(n.is_folder, false) THEN 1 ELSE 0 END) AS tickets }
         CALL { MATCH (c:Company) RETURN count(c) AS companies }
         CALL { MATCH (t:TrashedItem) RETURN count(t) AS trash }
         CALL { MATCH (:ContextItem)-[:HAS_FILE]->(f:File) RETURN count(f) AS files }
         RETURN folders, articles, company_items, tickets, companies, trash, files",
    ));
    let rows = rows.await?;
    let row = rows.first().ok_or_else(|| StoreError::Failed("nothing was counted".to_owned()))?;
    Ok(Counts {
        folders: row.get("folders")?,
        articles: row.get("articles")?,
        files: row.get("files")?,
        company_items: row.get("company_items")?,
        tickets: row.get("tickets")?,
        companies: row.get("companies")?,
        trash: row.get("trash")?,
    })
}

pub(super) async fn state(server: &Server, key: &str) -> Attempt<Option<String>> {
    let rows = server.read(query("MATCH (s:JobState {key: $key}) RETURN s.value AS value").param("key", key));
    rows.await?.first().map(|row| text(row, "value")).transpose()
}

pub(super) async fn set_state(
    server: &Server,
    key: &str,
    expected: Option<&str>,
    value: &str,
) -> Attempt<bool> {
    let mut work = server.begin().await?;
    let row =
        work.row(query("MATCH (s:JobState {key: $key}) RETURN s.value AS value").param("key", key)).await?;
    let now = row.map(|row| text(&row, "value")).transpose()?;
    let is_so = now.as_deref() == expected;
    if is_so {
        work.run(
            query("MERGE (s:JobState {key: $key}) SET s.value = $value")
                .param("key", key)
                .param("value", value),
        )
        .await?;
    }
    work.commit().await?;
    Ok(is_so)
}
