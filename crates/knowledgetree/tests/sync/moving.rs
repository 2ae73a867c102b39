//! The whole tree from one store into another.

use std::sync::{Arc, Mutex};

use hivematrix_knowledgetree::{
    cli::{move_tree::copy, verify::inspect},
    domain::item::{ItemChange, NewContent, ROOT_ID, Visibility},
    jobs::{seed::plant, sync::Kind},
    store::{KnowledgeStore, MIGRATOR, postgres::PostgresStore},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::support::{Suite, company, ticket};

/// A second store, and the name of its database.
async fn other_store() -> (Arc<dyn KnowledgeStore>, PgPool, String) {
    let name = format!("knowledgetree_test_{}", uuid::Uuid::new_v4().simple());
    let admin = std::env::var("DATABASE_URL").unwrap();
    let mut connection = PgConnection::connect(&admin).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await.unwrap();
    let mut url: url::Url = admin.parse().unwrap();
    url.set_path(&name);
    let pool = PgPool::connect(url.as_str()).await.unwrap();
    MIGRATOR.run(&pool).await.unwrap();
    let store = PostgresStore::new(pool.clone());
    store.set_up().await.unwrap();
    (Arc::new(store), pool, name)
}

async fn drop_database(pool: PgPool, name: &str) {
    pool.close().await;
    let mut connection = PgConnection::connect(&std::env::var("DATABASE_URL").unwrap()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("drop database {name} with (force)")))
        .execute(&mut connection)
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn everything_moves_is_compared_and_nothing_is_overwritten_unasked(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/demo/knowledge.json");
    plant(suite.store.as_ref(), demo.as_ref(), &suite.clock).await.unwrap();
    suite.peers.companies([company("1", "Acme Corp"), company("2", "Birch")]);
    suite.peers.tickets(0, [ticket(5001, "A", "2026-11-21T09:00:00Z")]);
    suite.completed(Kind::Companies).await;
    suite.completed(Kind::Tickets).await;
    // History, and a trash.
    let article = suite.item("Procedures/Leaver").await;
    let content = Some(NewContent { text: "shorter".to_owned(), ..NewContent::default() });
    let change = ItemChange { content, ..ItemChange::default() };
    suite.store.update(&article.id, &change, None, &suite.author()).await.unwrap();
    let runbooks = suite.item("Runbooks").await;
    suite.store.trash(&runbooks.id, &suite.author()).await.unwrap();

    let (target, target_pool, name) = other_store().await;
    let said = Mutex::new(Vec::new());
    let say = |line: &str| said.lock().unwrap().push(line.to_owned());
    assert!(copy(&suite.store, &target, false, &say).await.unwrap(), "{said:?}");
    let uploads = std::env::temp_dir();
    let (items, faults) = inspect(target.as_ref(), &uploads).await.unwrap();
    assert_eq!((items, &faults[..]), (suite.records().await.len() + 1, &[][..]));
    assert_eq!(target.versions(&article.id, Visibility::All).await.unwrap().len(), 2);
    assert_eq!(target.trashed().await.unwrap().len(), 1);

    let refused = copy(&suite.store, &target, false, &say).await.unwrap_err().to_string();
    assert!(refused.contains("--replace"), "{refused}");
    // Cut off in the middle: the mark is there, and a part.
    assert!(target.set_state("move", Some("complete"), "under way").await.unwrap());
    assert!(copy(&suite.store, &target, false, &say).await.unwrap());
    // What is in the target only is found, and nobody is told that all is well.
    suite.store.purge(&runbooks.id).await.unwrap();
    assert!(target.set_state("move", Some("complete"), "under way").await.unwrap());
    assert!(!copy(&suite.store, &target, false, &say).await.unwrap());
    assert!(said.lock().unwrap().iter().any(|line| line.contains("is in the target only")), "{said:?}");
    assert!(copy(&suite.store, &target, true, &say).await.unwrap());
    // And back, over what is there.
    assert!(copy(&target, &suite.store, true, &say).await.unwrap());
    assert!(suite.exists("Companies/Acme Corp/Tickets/Ticket_5101.md").await);
    assert!(suite.store.item(ROOT_ID, Visibility::All).await.is_ok());
    drop_database(target_pool, &name).await;
}
