//! KnowledgeTree in process, on a database of its own.

use std::sync::Arc;

use hivematrix_knowledgetree::{
    KnowledgeTree, app,
    config::Settings,
    domain::item::{Author, Item, NewContent, NewItem},
    store::{KnowledgeStore, postgres::PostgresStore},
};
use hivematrix_shared::{
    auth::PermissionLevel::{self, Admin},
    clock::Clock,
    config::ServiceConfig as _,
    registry::Registry,
    server,
    testing::{Client, TestIdentity, TestResponse, settings},
};
use http::{Method, StatusCode};
use serde_json::Value;
use sqlx::PgPool;

/// The time of all tests.
pub const NOW: &str = "2025-07-15T10:30:00Z";
/// A name that would break out of a page that lets it.
pub const HOSTILE: &str = "North <script>alert('1')<\\script> & \"Sons\"";

/// KnowledgeTree and its store.
pub struct World {
    pub client: Client,
    pub identity: TestIdentity,
    pub store: Arc<dyn KnowledgeStore>,
    _home: tempfile::TempDir,
}

impl World {
    /// An empty tree.
    pub async fn new(pool: PgPool) -> Self {
        let identity = TestIdentity::new(Clock::manual(NOW.parse().unwrap()));
        let home = tempfile::tempdir().unwrap();
        let mut common = settings("knowledgetree");
        common.home = home.path().to_owned();
        let context = identity.context_with(common.clone(), "knowledgetree", Registry::default());
        let store: Arc<dyn KnowledgeStore> = Arc::new(PostgresStore::new(pool));
        store.set_up().await.unwrap();
        let mut settings: Settings = clap::Parser::parse_from(["knowledgetree"]);
        *settings.common_mut() = common;
        let (router, options) = app(KnowledgeTree::new(context.clone(), &settings, store.clone()));
        let client = Client::new(server::apply(&context, router, options));
        Self { client, identity, store, _home: home }
    }

    /// A page as a browser opens it, behind the gateway.
    pub async fn page_as(&self, level: PermissionLevel, path: &str) -> TestResponse {
        let request = self.client.get(path).bearer(self.identity.user_token(level));
        request.header("accept", "text/html").header("x-forwarded-prefix", "/knowledgetree").send().await
    }

    /// The same as an administrator, and its text.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.page_as(Admin, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer.text()
    }

    /// Where a page leads instead.
    pub async fn leads_to(&self, path: &str) -> String {
        let answer = self.page_as(Admin, path).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{path}: {}", answer.text());
        answer.header("location").to_owned()
    }

    /// A JSON call.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> TestResponse {
        self.client.request(method, path).bearer(self.identity.user_token(Admin)).json(&body).send().await
    }

    pub fn author(&self) -> Author<'static> {
        Author { user: "amy@example.test", is_admin: true, at: NOW.parse().unwrap() }
    }

    /// A folder; its id.
    pub async fn folder(&self, parent: &str, name: &str) -> String {
        let item =
            NewItem { parent_id: parent.into(), name: name.into(), is_folder: true, ..NewItem::default() };
        self.store.create(&item, &self.author()).await.unwrap().id
    }

    /// An article in Markdown.
    pub async fn article(&self, parent: &str, name: &str, text: &str) -> Item {
        let content = NewContent { text: text.into(), ..NewContent::default() };
        let item = NewItem {
            parent_id: parent.into(),
            name: name.into(),
            content: Some(content),
            ..NewItem::default()
        };
        self.store.create(&item, &self.author()).await.unwrap()
    }
}

/// What stands between two texts, for the first time.
pub fn between<'a>(html: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = html.split_once(begin).unwrap_or_else(|| panic!("{begin} is not in {html}"));
    rest.split_once(end).map_or(rest, |(inner, _)| inner)
}
