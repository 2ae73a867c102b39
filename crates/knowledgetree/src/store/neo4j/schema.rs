//! Constraints, indexes and the root (knowledgetree.md §3.3, §3.4).

use neo4rs::{Graph, query};

use crate::{
    domain::item::{ROOT_CONTENT, ROOT_ID, ROOT_NAME},
    store::retry::Attempt,
};

/// What the contract names, and what our own labels need. `contextItemSearch` also finds parts of names in any case, since its words
/// are in small letters.
const OBJECTS: &[&str] = &[
    "CREATE CONSTRAINT context_item_id IF NOT EXISTS FOR (n:ContextItem) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT file_id IF NOT EXISTS FOR (n:File) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT company_id IF NOT EXISTS FOR (n:Company) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT ticket_number IF NOT EXISTS FOR (n:Ticket) REQUIRE n.number IS UNIQUE",
    "CREATE CONSTRAINT trashed_item_id IF NOT EXISTS FOR (n:TrashedItem) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT tree_lock_id IF NOT EXISTS FOR (n:TreeLock) REQUIRE n.id IS UNIQUE",
    "CREATE CONSTRAINT job_state_key IF NOT EXISTS FOR (n:JobState) REQUIRE n.key IS UNIQUE",
    "CREATE INDEX company_account_number IF NOT EXISTS FOR (n:Company) ON (n.account_number)",
    "CREATE INDEX context_item_source IF NOT EXISTS FOR (n:ContextItem) ON (n.source, n.source_id)",
    "CREATE INDEX trashed_item_source IF NOT EXISTS FOR (n:TrashedItem) ON (n.source, n.source_id)",
    "CREATE INDEX trashed_item_time IF NOT EXISTS FOR (n:TrashedItem) ON (n.trashed_at)",
    "CREATE INDEX file_filename IF NOT EXISTS FOR (n:File) ON (n.filename)",
    "CREATE INDEX file_content_hash IF NOT EXISTS FOR (n:File) ON (n.content_hash)",
    "CREATE FULLTEXT INDEX contextItemSearch IF NOT EXISTS FOR (n:ContextItem) ON EACH [n.name, n.content]",
    "CREATE FULLTEXT INDEX fileSearch IF NOT EXISTS FOR (n:File) ON EACH [n.original_filename, n.text]",
];

/// The root, merged by its id alone, since people may give it another name in upstream's page.
pub(super) const ROOT: &str = "
    MERGE (root:ContextItem {id: $id})
    ON CREATE SET root.name = $name, root.content = $content, root.is_folder = true, root.is_attached = false,
        root.read_only = false";

pub(super) fn root() -> neo4rs::Query {
    query(ROOT).param("id", ROOT_ID).param("name", ROOT_NAME).param("content", ROOT_CONTENT)
}

pub(super) async fn set_up(graph: &Graph) -> Attempt<()> {
    for object in OBJECTS {
        graph.run(query(object)).await?;
    }
    // An index that is still being built finds nothing.
    graph.run(query("CALL db.awaitIndexes(20)")).await?;
    graph.run(root()).await?;
    tracing::info!("constraints, indexes and the root of the graph are there");
    Ok(())
}
