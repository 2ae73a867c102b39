//! A graph that upstream's service has made and goes on using: nodes without times, versions and authors.

use hivematrix_knowledgetree::domain::{
    item::{COMPANIES_ID, Expected, ROOT_ID, Visibility},
    search::SearchQuery,
};
use neo4rs::{Graph, query};

use crate::support::*;

/// The graph, asked past our store.
async fn graph() -> Graph {
    let var = |name: &str| std::env::var(name).unwrap();
    let user = std::env::var("TEST_NEO4J_USER").unwrap_or_else(|_| "neo4j".to_owned());
    Graph::new(var("TEST_NEO4J_URI"), user, var("TEST_NEO4J_PASSWORD")).unwrap()
}

const THEIRS: &str = "
    MATCH (root:ContextItem {id: 'root'}) SET root.name = 'Wiki'
    CREATE (root)-[:PARENT_OF]->(c:ContextItem {id: 'root_Companies', name: 'Companies', content: '', is_folder: true,
        is_attached: false, read_only: false})
    CREATE (c)-[:PARENT_OF]->(a:ContextItem {id: 'root_Companies_Acme_Corp', name: 'Acme Corp', content: '', is_folder: true,
        is_attached: false, read_only: true})
    CREATE (a)-[:PARENT_OF]->(u:ContextItem {id: 'root_Companies_Acme_Corp_Users', name: 'Users', content: '', is_folder: true,
        is_attached: false, read_only: true})
    CREATE (root)-[:PARENT_OF]->(n:ContextItem {id: 'u-1', name: 'note', content: 'printer', is_folder: false, is_attached: false,
        read_only: false})
    CREATE (n)-[:HAS_FILE]->(:File {id: 'f-1', filename: 'f-1.txt', original_filename: 'a.txt'})";

#[tokio::test(flavor = "multi_thread")]
async fn what_upstream_made_is_read_changed_and_taken_over() {
    let Some((store, _turn)) = neo4j().await else { return };
    let graph = graph().await;
    graph.run(query(THEIRS)).await.unwrap();
    store.set_up().await.unwrap();
    let root = store.item(ROOT_ID, ALL).await.unwrap();
    assert_eq!(root.name, "Wiki", "merged by id alone");
    let note = store.item("u-1", ALL).await.unwrap();
    assert_eq!((note.created_at, note.updated_at, note.version, note.content_format), (None, None, 1, None));
    assert_eq!(names(&store, ROOT_ID).await, ["Companies", "note"]);
    assert_eq!(store.search(&SearchQuery::new("print")).await.unwrap().len(), 1);
    assert_eq!(store.files("u-1", ALL).await.unwrap()[0].original_filename.as_deref(), Some("a.txt"));
    assert!(store.item("root_Companies_Acme_Corp", Visibility::WithoutCompanies).await.is_err());
    let saved = store.update("u-1", &rewrite("scanner"), Some(Expected::UpdatedAt(None)), &ann(0)).await.unwrap();
    assert_eq!((saved.version, saved.updated_at), (2, Some(at(0))));
    assert_eq!(store.version("u-1", 1, ALL).await.unwrap().content, "printer");
    // The sync takes over what upstream's sync made.
    let outcome = store.sync_items(run("1"), &acme(), &ann(0)).await.unwrap();
    assert_eq!(outcome.ids[..3], [COMPANIES_ID, "root_Companies_Acme_Corp", "root_Companies_Acme_Corp_Users"]);
    assert_eq!((outcome.created, names(&store, COMPANIES_ID).await.len()), (2, 1));
    // Upstream deletes: what hung on it is nobody's, and nothing breaks.
    graph.run(query("MATCH (n:ContextItem {id: 'u-1'}) DETACH DELETE n")).await.unwrap();
    assert_eq!(names(&store, ROOT_ID).await, ["Companies"]);
    assert!(dump(&store).await.len() >= 6);
}

/// Every statement that upstream has for the tree goes by `ContextItem`, `PARENT_OF` and `HAS_FILE`.
#[tokio::test(flavor = "multi_thread")]
async fn upstream_sees_neither_trash_nor_history() {
    let Some((store, _turn)) = neo4j().await else { return };
    let a = folder(&store, ROOT_ID, "a").await;
    let b = article(&store, &a, "b", "x").await;
    store.update(&b, &rewrite("y"), None, &ann(0)).await.unwrap();
    store.trash(&b, &ann(0)).await.unwrap();
    let graph = graph().await;
    let count = async |statement: &str| {
        let mut rows = graph.execute(query(statement)).await.unwrap();
        rows.next().await.unwrap().unwrap().get::<i64>("n").unwrap()
    };
    assert_eq!(count("MATCH (n:ContextItem) RETURN count(n) AS n").await, 2);
    assert_eq!(count("MATCH (:ContextItem {id: 'root'})-[:PARENT_OF*]->(n) RETURN count(n) AS n").await, 1);
    assert_eq!(count("MATCH (n:ContextItem) WHERE NOT ()-[:PARENT_OF]->(n) RETURN count(n) AS n").await, 1);
    assert_eq!(count("MATCH (n:ContextItem)--(v:ItemVersion) RETURN count(v) AS n").await, 0);
    assert_eq!(count("MATCH (n:ContextItem {is_folder: true}) RETURN count(n) AS n").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_has_what_the_contract_names() {
    let Some((_store, _turn)) = neo4j().await else { return };
    let graph = graph().await;
    let mut rows = graph.execute(query("SHOW INDEXES YIELD name, type, labelsOrTypes, properties, owningConstraint
        RETURN type + ' ' + coalesce(labelsOrTypes[0], '') + ' ' + reduce(all = '', p IN coalesce(properties, []) | all + p + ' ')
            + CASE WHEN owningConstraint IS NULL THEN '' ELSE 'unique' END AS it")).await.unwrap();
    let mut seen = Vec::new();
    while let Some(row) = rows.next().await.unwrap() {
        seen.push(row.get::<String>("it").unwrap());
    }
    for needed in [
        "FULLTEXT ContextItem name content ",
        "RANGE ContextItem id unique",
        "RANGE File id unique",
        "RANGE Company id unique",
        "RANGE Ticket number unique",
        "RANGE Company account_number ",
    ] {
        assert!(seen.iter().any(|index| index == needed), "{needed} is not among {seen:?}");
    }
}
