//! Stores to try, and short ways to fill them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use hivematrix_knowledgetree::{
    domain::{
        item::{Author, ContentFormat, ItemChange, NewContent, NewItem, ROOT_ID, Visibility},
        records::Record,
        synced::{SourceKind, SyncParent, SyncRun, SyncedItem},
    },
    store::{KnowledgeStore, neo4j::Neo4jStore, postgres::PostgresStore},
};
use hivematrix_shared::config::Secret;
use sqlx::PgPool;
use tokio::sync::{Mutex, MutexGuard};

pub type Store = Arc<dyn KnowledgeStore>;

pub const ALL: Visibility = Visibility::All;

/// Whose turn it is to use the one database of Neo4j.
static TURN: Mutex<()> = Mutex::const_new(());

pub async fn postgres(pool: PgPool) -> Store {
    let store = PostgresStore::new(pool);
    store.set_up().await.unwrap();
    Arc::new(store)
}

pub async fn neo4j() -> Option<(Store, MutexGuard<'static, ()>)> {
    let store = neo4j_store()?;
    let turn = TURN.lock().await;
    store.set_up().await.unwrap();
    store.wipe().await.unwrap();
    Some((Arc::new(store), turn))
}

/// The store of the test server, as it is.
pub fn neo4j_store() -> Option<Neo4jStore> {
    let Ok(uri) = std::env::var("TEST_NEO4J_URI") else {
        eprintln!("TEST_NEO4J_URI is not set: nothing tested");
        return None;
    };
    let user = std::env::var("TEST_NEO4J_USER").unwrap_or_else(|_| "neo4j".to_owned());
    let password = Secret::new(std::env::var("TEST_NEO4J_PASSWORD").unwrap());
    Some(Neo4jStore::new(&uri, &user, &password).unwrap())
}

/// A moment, so many seconds after another.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 123_456_000).unwrap() + TimeDelta::seconds(seconds)
}

pub fn ann(seconds: i64) -> Author<'static> {
    Author { user: "ann", is_admin: false, at: at(seconds) }
}

pub fn admin(seconds: i64) -> Author<'static> {
    Author { user: "root-admin", is_admin: true, at: at(seconds) }
}

pub fn text(text: &str) -> NewContent {
    NewContent { text: text.to_owned(), format: ContentFormat::Markdown, links: vec![] }
}

pub fn new_folder(parent: &str, name: &str) -> NewItem {
    NewItem { parent_id: parent.to_owned(), name: name.to_owned(), is_folder: true, ..NewItem::default() }
}

pub fn new_article(parent: &str, name: &str, content: &str) -> NewItem {
    NewItem {
        parent_id: parent.to_owned(),
        name: name.to_owned(),
        content: Some(text(content)),
        ..NewItem::default()
    }
}

pub async fn folder(store: &Store, parent: &str, name: &str) -> String {
    store.create(&new_folder(parent, name), &ann(0)).await.unwrap().id
}

pub async fn attached(store: &Store, parent: &str, name: &str) -> String {
    let item = NewItem { is_attached: true, ..new_folder(parent, name) };
    store.create(&item, &ann(0)).await.unwrap().id
}

pub async fn article(store: &Store, parent: &str, name: &str, content: &str) -> String {
    store.create(&new_article(parent, name, content), &ann(0)).await.unwrap().id
}

pub fn rename(name: &str) -> ItemChange {
    ItemChange { name: Some(name.to_owned()), ..ItemChange::default() }
}

pub fn rewrite(content: &str) -> ItemChange {
    ItemChange { content: Some(text(content)), ..ItemChange::default() }
}

pub fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Names of all on the way to an item, the root left out.
pub async fn way(store: &Store, id: &str) -> String {
    let steps = store.breadcrumbs(id, ALL).await.unwrap();
    assert_eq!(steps[0].id, ROOT_ID);
    steps[1..].iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join("/")
}

pub async fn names(store: &Store, id: &str) -> Vec<String> {
    store.children(id, ALL).await.unwrap().into_iter().map(|child| child.name).collect()
}

pub async fn dump(store: &Store) -> Vec<Record> {
    store.dump().try_collect().await.unwrap()
}

/// The run of a sync.
pub fn run(run_id: &str) -> SyncRun<'_> {
    SyncRun { source: "codex", run_id }
}

pub fn synced(source_id: &str, kind: SourceKind, parent: SyncParent, name: &str) -> SyncedItem {
    let is_folder = matches!(kind, SourceKind::Group | SourceKind::Company | SourceKind::Person);
    SyncedItem {
        source_id: source_id.to_owned(),
        kind,
        parent,
        name: name.to_owned(),
        second_name: format!("{name} ({source_id})"),
        is_folder,
        is_attached: false,
        read_only: true,
        content: if is_folder { String::new() } else { format!("# {name}") },
    }
}

pub fn under(source_id: &str) -> SyncParent {
    SyncParent::Synced(source_id.to_owned())
}

/// The folder of all companies, one company with its people, and a contact.
pub fn acme() -> Vec<SyncedItem> {
    let companies =
        SyncedItem { read_only: false, ..synced("companies", SourceKind::Group, SyncParent::Root, "Companies") };
    vec![
        companies,
        synced("company:1", SourceKind::Company, under("companies"), "Acme Corp"),
        synced("company:1/users", SourceKind::Group, under("company:1"), "Users"),
        synced("person:7", SourceKind::Person, under("company:1/users"), "Jane Doe"),
        synced("contact:7", SourceKind::Contact, under("person:7"), "Contact.md"),
    ]
}
