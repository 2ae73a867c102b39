//! KnowledgeTree in process, over a fresh database and a folder of its own.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_knowledgetree::{
    KnowledgeTree, app,
    config::Settings,
    domain::{
        item::Author,
        synced::{CompanyRow, SourceKind, SyncParent, SyncRun, SyncedItem},
    },
    files::Files,
    store::{KnowledgeStore, postgres::PostgresStore},
};
use hivematrix_shared::{
    auth::PermissionLevel,
    clock::Clock,
    config::ServiceConfig as _,
    registry::Registry,
    server,
    testing::{Client, TestIdentity, TestResponse, settings},
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::described::checked;

/// The time of all tests, if they do not move it.
pub const NOW: &str = "2025-07-15T12:00:00Z";

/// The service and what it stands on.
pub struct Suite {
    pub client: Client,
    pub tree: KnowledgeTree,
    pub identity: TestIdentity,
    pub clock: Clock,
    home: tempfile::TempDir,
}

impl Suite {
    pub async fn start(pool: PgPool) -> Self {
        let store = PostgresStore::new(pool);
        store.set_up().await.unwrap();
        Self::over(Arc::new(store))
    }

    /// Over any store.
    pub fn over(store: Arc<dyn KnowledgeStore>) -> Self {
        let clock = Clock::manual(NOW.parse().unwrap());
        let identity = TestIdentity::new(clock.clone());
        let home = tempfile::tempdir().unwrap();
        let mut common = settings("knowledgetree");
        common.home = home.path().to_owned();
        let context = identity.context_with(common.clone(), "knowledgetree", Registry::default());
        let mut given: Settings = clap::Parser::parse_from(["knowledgetree"]);
        *given.common_mut() = common;
        let mut tree = KnowledgeTree::new(context.clone(), &given, store);
        // This program is the test, not the service.
        let program = env!("CARGO_BIN_EXE_hivematrix-knowledgetree");
        tree.files = Files::new(home.path().join("knowledgetree/uploads"), program);
        let (router, options) = app(tree.clone());
        let client = Client::new(server::apply(&context, router, options));
        Self { client, tree, identity, clock, home }
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.as_level(PermissionLevel::Technician, "GET", path, Value::Null).await
    }

    /// An answer that must be 200.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// By a technician.
    pub async fn send(&self, method: &str, path: &str, body: Value) -> TestResponse {
        self.as_level(PermissionLevel::Technician, method, path, body).await
    }

    pub async fn as_admin(&self, method: &str, path: &str, body: Value) -> TestResponse {
        self.as_level(PermissionLevel::Admin, method, path, body).await
    }

    pub async fn as_level(
        &self,
        level: PermissionLevel,
        method: &str,
        path: &str,
        body: Value,
    ) -> TestResponse {
        self.by(&self.identity.user_token(level), method, path, body).await
    }

    /// Every answer is compared with the document.
    pub async fn by(&self, token: &str, method: &str, path: &str, body: Value) -> TestResponse {
        let request = self.client.request(method.parse().unwrap(), path).bearer(token);
        let answer = if body.is_null() { request.send().await } else { request.json(&body).send().await };
        checked(&self.client, method, path, answer).await
    }

    /// Makes a folder; its id.
    pub async fn folder(&self, parent: &str, name: &str) -> String {
        self.made(json!({"parent_id": parent, "name": name, "is_folder": true})).await
    }

    /// Makes an article; its id.
    pub async fn article(&self, parent: &str, name: &str, content: &str) -> String {
        self.made(json!({"parent_id": parent, "name": name, "content": content})).await
    }

    pub async fn made(&self, body: Value) -> String {
        let answer = self.send("POST", "/api/node", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Uploads a file as a technician.
    pub async fn upload(&self, path: &str, name: &str, bytes: &[u8]) -> TestResponse {
        let answer = self.form(PermissionLevel::Technician, path, "file", Some(name), bytes).await;
        checked(&self.client, "POST", path, answer).await
    }

    /// A form with one part.
    pub async fn form(
        &self,
        level: PermissionLevel,
        path: &str,
        part: &str,
        name: Option<&str>,
        bytes: &[u8],
    ) -> TestResponse {
        let name = name.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let mut body =
            format!("--cut\r\nContent-Disposition: form-data; name=\"{part}\"{name}\r\n\r\n").into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--cut--\r\n");
        let request = self.client.post(path).bearer(self.identity.user_token(level));
        request.body("multipart/form-data; boundary=cut", body).send().await
    }

    /// Files below the folder of uploads, drafts included.
    pub fn bytes_on_disk(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.home.path().join("knowledgetree/uploads"), &mut found);
        found.sort();
        found
    }

    pub fn uploads(&self) -> PathBuf {
        self.home.path().join("knowledgetree/uploads")
    }

    pub fn wait(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// What a sync would have made: two companies, each with a contact, one with a ticket. Ids by their source.
    pub async fn companies(&self) {
        let item =
            |source_id: &str, kind, parent: SyncParent, name: &str, content: Option<&str>| SyncedItem {
                source_id: source_id.to_owned(),
                kind,
                parent,
                name: name.to_owned(),
                second_name: format!("{name} (Codex)"),
                is_folder: content.is_none(),
                is_attached: false,
                read_only: kind != SourceKind::Group,
                content: content.unwrap_or_default().to_owned(),
            };
        let below = |id: &str| SyncParent::Synced(id.to_owned());
        let items = [
            item("companies", SourceKind::Group, SyncParent::Root, "Companies", None),
            item("company:1", SourceKind::Company, below("companies"), "Acme Corp", None),
            item("company:2", SourceKind::Company, below("companies"), "Birch & Sons", None),
            item(
                "contact:1",
                SourceKind::Contact,
                below("company:1"),
                "Jane Doe.md",
                Some("# Jane\n\nzephyr@acme.example"),
            ),
            item(
                "contact:2",
                SourceKind::Contact,
                below("company:2"),
                "Joe Roe.md",
                Some("# Joe\n\nzephyr@birch.example"),
            ),
            item("ticket:7", SourceKind::Ticket, below("company:1"), "Ticket_7.md", Some("Printer on fire")),
        ];
        let by = Author { user: "service:knowledgetree", is_admin: false, at: self.now() };
        let run = SyncRun { source: "codex", run_id: "run-1" };
        let outcome = self.tree.store.sync_items(run, &items, &by).await.unwrap();
        let company = |number: usize, name: &str| CompanyRow {
            id: number.to_string(),
            name: name.to_owned(),
            account_number: format!("10{number}"),
            folder_id: Some(outcome.ids[number].clone()),
        };
        let companies = [company(1, "Acme Corp"), company(2, "Birch & Sons")];
        self.tree.store.merge_companies(&companies, self.now()).await.unwrap();
    }

    /// Id of the item at a path.
    pub async fn id_at(&self, path: &str) -> String {
        let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        self.json(&format!("/api/browse?path={path}")).await["current_node"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn collect(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}
