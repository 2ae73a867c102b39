//! Stores that do not answer.

use hivematrix_knowledgetree::store::{KnowledgeStore, StoreError, neo4j::Neo4jStore, postgres::PostgresStore};
use hivematrix_shared::config::Secret;
use sqlx::postgres::PgPoolOptions;

use crate::support::*;

/// A port on which nobody listens.
fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn is_unavailable(store: &dyn KnowledgeStore) {
    for result in [
        store.ping().await,
        store.item("root", ALL).await.map(drop),
        store.create(&new_folder("root", "x"), &ann(0)).await.map(drop),
        store.wipe().await,
    ] {
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_away_says_so() {
    let port = closed_port();
    let password = Secret::new("hush-hush");
    let neo4j = Neo4jStore::new(&format!("bolt://127.0.0.1:{port}"), "neo4j", &password).unwrap();
    is_unavailable(&neo4j).await;
    let pool = PgPoolOptions::new()
        .acquire_timeout(std::time::Duration::from_secs(2))
        .connect_lazy(&format!("postgres://nobody@127.0.0.1:{port}/x"))
        .unwrap();
    is_unavailable(&PostgresStore::new(pool)).await;
}

#[tokio::test]
async fn no_address_and_no_password_gets_into_an_error() {
    let refused = Neo4jStore::new("nonsense://user:hush-hush@host", "neo4j", &Secret::new("hush-hush"));
    assert!(!format!("{:?}", refused.err().unwrap()).contains("hush"));
    let Some((_store, _turn)) = neo4j().await else { return };
    let uri = std::env::var("TEST_NEO4J_URI").unwrap();
    let wrong = Neo4jStore::new(&uri, "neo4j", &Secret::new("hush-hush")).unwrap();
    match wrong.ping().await {
        Err(StoreError::Unavailable(text)) => assert!(!text.contains("hush"), "{text}"),
        other => panic!("{other:?}"),
    }
}
