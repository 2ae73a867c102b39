//! KnowledgeTree in process, with a Codex on a loopback port whose answers the test sets.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use hivematrix_knowledgetree::{
    KnowledgeTree, app,
    config::Settings,
    domain::{
        item::{Author, Item, NewContent, NewItem, ROOT_ID, Visibility},
        records::{ItemRecord, Record},
        sync_runs::{Ended, Outcome},
    },
    jobs::sync::{Kind, Order},
    store::{KnowledgeStore, postgres::PostgresStore},
};
use hivematrix_shared::{
    auth::PermissionLevel,
    clock::Clock,
    config::ServiceConfig as _,
    registry::{Registry, ServiceEntry},
    server,
    testing::{Client, TestIdentity, TestResponse, settings},
};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::Notify;

/// The time of all tests, if they do not move it.
pub const NOW: &str = "2026-11-22T12:00:00Z";

/// A company as our Codex sends it.
pub fn company(number: &str, name: &str) -> Value {
    json!({
        "company": {"id": number, "account_number": number, "name": name, "billing_plan": "Silver"},
        "assets": [{"id": 1, "hostname": "HOST-01", "operating_system": "Windows 11 Pro", "online": true,
            "last_seen": "2026-11-22T02:51:17Z", "hardware_type": "Laptop", "backup_data_bytes": 0}],
        "contacts": [{"id": 8, "name": "Pia Park", "email": format!("pia@{number}.example"), "title": "Clerk", "active": true,
            "mobile_phone_number": null, "work_phone_number": "+1-555-0207", "secondary_emails": null}],
        "users": [],
        "locations": []
    })
}

/// A ticket of such a company.
pub fn ticket(number: u32, subject: &str, updated: &str) -> Value {
    json!({
        "ticket_id": number + 100, "ticket_number": number.to_string(), "subject": subject, "description": "<p>x</p>",
        "description_text": "The tunnel closes.", "status": "open", "priority": "high", "requester_email": null,
        "requester_name": "Pia Park", "created_at": "2026-11-20T08:00:00Z", "last_updated_at": updated, "closed_at": null,
        "total_hours_spent": 1.5, "time_entries": [],
        "conversations": [{"body": "<p>Which adapter?</p>", "body_text": "Which adapter?", "from_email": "desk@msp.example",
            "created_at": "2026-11-20T09:00:00Z", "incoming": false, "private": false}],
        "notes": [{"body_text": "Power saving.", "created_at": "2026-11-20T09:05:00Z", "private": true}]
    })
}

/// What the played Codex says.
#[derive(Default)]
struct World {
    /// Elements of the answer about all companies.
    companies: Vec<Value>,
    /// Knows no answer about all companies, as older versions of the original.
    has_no_bulk: bool,
    /// Sends all tickets, whatever it is asked for, and members in their order, as the original does.
    is_original: bool,
    /// Statuses instead of what it would answer, by path.
    faults: BTreeMap<String, u16>,
    /// The answer about all companies ends after so many bytes.
    breaks_off: Option<usize>,
    seen: Vec<String>,
}

/// The played peers.
#[derive(Clone)]
pub struct Peers {
    world: Arc<Mutex<World>>,
    identity: TestIdentity,
    url: String,
    /// Answers wait while this is set.
    held: Arc<AtomicBool>,
    released: Arc<Notify>,
}

impl Peers {
    async fn start(identity: TestIdentity) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let peers =
            Self { world: Arc::default(), identity, url, held: Arc::default(), released: Arc::default() };
        let app = Router::new().fallback(answer).with_state(peers.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        peers
    }

    pub fn companies(&self, companies: impl IntoIterator<Item = Value>) {
        self.world.lock().unwrap().companies = companies.into_iter().collect();
    }

    /// Gives the company at a place these tickets.
    pub fn tickets(&self, place: usize, tickets: impl IntoIterator<Item = Value>) {
        self.world.lock().unwrap().companies[place]["tickets"] = tickets.into_iter().collect();
    }

    /// Changes what it says of companies.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Value>)) {
        change(&mut self.world.lock().unwrap().companies);
    }

    pub fn without_bulk(&self) {
        self.world.lock().unwrap().has_no_bulk = true;
    }

    pub fn as_the_original(&self) {
        self.world.lock().unwrap().is_original = true;
    }

    pub fn fault(&self, path: &str, status: u16) {
        self.world.lock().unwrap().faults.insert(path.to_owned(), status);
    }

    pub fn mend(&self) {
        let world = &mut *self.world.lock().unwrap();
        world.faults.clear();
        world.breaks_off = None;
    }

    pub fn break_off(&self, after: usize) {
        self.world.lock().unwrap().breaks_off = Some(after);
    }

    /// Answers wait until [`Peers::release`].
    pub fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    pub fn release(&self) {
        self.held.store(false, Ordering::SeqCst);
        self.released.notify_waiters();
    }

    /// What was asked for, with the query.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().seen)
    }
}

async fn answer(State(peers): State<Peers>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if path == "/service-token" {
        let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(body["calling_service"], "knowledgetree");
        let target = body["target_service"].as_str().unwrap_or_default();
        return Json(json!({"token": peers.identity.service_token("knowledgetree", target)})).into_response();
    }
    loop {
        let released = peers.released.notified();
        if !peers.held.load(Ordering::SeqCst) {
            break;
        }
        released.await;
    }
    let world = &mut *peers.world.lock().unwrap();
    let query = parts.uri.query().unwrap_or_default();
    world.seen.push(if query.is_empty() { path.clone() } else { format!("{path}?{query}") });
    if let Some(status) = world.faults.get(&path) {
        let problem = Json(json!({"status": status, "title": "x"}));
        return (StatusCode::from_u16(*status).unwrap(), problem).into_response();
    }
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    let since = value("updated_since").filter(|_| !world.is_original);
    let since = since.map(|since| since.replace("%3A", ":").parse::<DateTime<Utc>>().unwrap());
    let tickets = |company: &Value| -> Value {
        let is_wanted = |ticket: &&Value| {
            let at: DateTime<Utc> = ticket["last_updated_at"].as_str().unwrap().parse().unwrap();
            since.is_none_or(|since| at >= since)
        };
        company["tickets"].as_array().into_iter().flatten().filter(is_wanted).cloned().collect()
    };
    let not_found = || (StatusCode::NOT_FOUND, Json(json!({"error": "Company not found"}))).into_response();
    match path.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["api", "companies"] => {
            Json(world.companies.iter().map(|one| one["company"].clone()).collect::<Vec<_>>()).into_response()
        }
        ["api", "companies", "bulk"] if !world.has_no_bulk => {
            let with_tickets = value("include_tickets") == Some("true");
            let elements: Vec<Value> = world
                .companies
                .iter()
                .map(|company| {
                    let mut element = company.clone();
                    let members = element.as_object_mut().unwrap();
                    members.shift_remove("tickets");
                    if with_tickets {
                        members.insert("tickets".to_owned(), tickets(company));
                    }
                    element
                })
                .collect();
            whole_or_part(serde_json::to_string(&elements).unwrap(), world.breaks_off)
        }
        ["api", "companies", number, part] => {
            let found = world.companies.iter().find(|one| one["company"]["account_number"] == number);
            let Some(company) = found else { return not_found() };
            match part {
                "users" | "contacts" => Json(company["contacts"].clone()).into_response(),
                "assets" => Json(company["assets"].clone()).into_response(),
                "tickets" => Json(tickets(company)).into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        }
        _ => not_found(),
    }
}

fn whole_or_part(text: String, breaks_off: Option<usize>) -> Response {
    let Some(after) = breaks_off else { return text.into_response() };
    let parts = [Ok(text[..after].to_owned()), Err(std::io::Error::other("gone"))];
    let parts = futures::stream::iter(parts).then(|part| async {
        if part.is_err() {
            // What came before is under way by then.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        part
    });
    Body::from_stream(parts).into_response()
}

/// KnowledgeTree and its peers.
pub struct Suite {
    pub client: Client,
    pub tree: KnowledgeTree,
    pub store: Arc<dyn KnowledgeStore>,
    pub peers: Peers,
    pub identity: TestIdentity,
    pub clock: Clock,
    pool: PgPool,
}

impl Suite {
    pub async fn start(pool: PgPool) -> Self {
        let clock = Clock::manual(NOW.parse().unwrap());
        let identity = TestIdentity::new(clock.clone());
        let peers = Peers::start(identity.clone()).await;
        Self::beside(pool, clock, identity, peers, true).await
    }

    /// A second instance over the same store, clock and peers.
    pub async fn second(&self) -> Self {
        let (pool, clock) = (self.pool.clone(), self.clock.clone());
        Self::beside(pool, clock, self.identity.clone(), self.peers.clone(), true).await
    }

    /// One that does not know where Codex is.
    pub async fn without_codex(&self) -> Self {
        let (pool, clock) = (self.pool.clone(), self.clock.clone());
        Self::beside(pool, clock, self.identity.clone(), self.peers.clone(), false).await
    }

    async fn beside(pool: PgPool, clock: Clock, identity: TestIdentity, peers: Peers, codex: bool) -> Self {
        let entry = |name: &str| {
            let entry: ServiceEntry = serde_json::from_value(json!({"url": peers.url})).unwrap();
            (name.to_owned(), entry)
        };
        let known: &[&str] = if codex { &["core", "codex"] } else { &["core"] };
        let registry = Registry(known.iter().map(|name| entry(name)).collect());
        let context = identity.context_with(settings("knowledgetree"), "knowledgetree", registry);
        let mut given: Settings = clap::Parser::parse_from(["knowledgetree"]);
        *given.common_mut() = settings("knowledgetree");
        let store: Arc<dyn KnowledgeStore> = Arc::new(PostgresStore::new(pool.clone()));
        store.set_up().await.unwrap();
        let tree = KnowledgeTree::new(context.clone(), &given, store.clone());
        let (router, options) = app(tree.clone());
        let client = Client::new(server::apply(&context, router, options));
        Self { client, tree, store, peers, identity, clock, pool }
    }

    /// Runs a sync to its end.
    pub async fn run(&self, kind: Kind, overwrite: bool) -> Ended {
        let order = Order { kind, by: "ada".to_owned(), overwrite };
        let (_, end) = self.tree.syncs.start(order, Arc::new(())).await.unwrap();
        end.await.unwrap().unwrap()
    }

    /// Runs a sync that must come to its end.
    pub async fn completed(&self, kind: Kind) -> Ended {
        let ended = self.run(kind, false).await;
        assert_eq!((ended.outcome, ended.error.as_deref()), (Outcome::Completed, None));
        ended
    }

    /// Runs a sync that must fail; why it did.
    pub async fn failed(&self, kind: Kind) -> String {
        let ended = self.run(kind, false).await;
        assert_eq!(ended.outcome, Outcome::Failed);
        ended.error.unwrap()
    }

    /// All items but the root, by id.
    pub async fn records(&self) -> BTreeMap<String, ItemRecord> {
        let records: Vec<Record> = self.store.dump().try_collect().await.unwrap();
        let items = records.into_iter().filter_map(|record| match record {
            Record::Item(item) if item.id != ROOT_ID => Some((item.id.clone(), *item)),
            _ => None,
        });
        items.collect()
    }

    /// Paths of all items of the tree: folders end with a slash, attached ones with two, protected items begin with `!`.
    pub async fn paths(&self) -> Vec<String> {
        let items = self.records().await;
        let mut paths: Vec<String> = items
            .values()
            .filter(|item| item.trash_root.is_none())
            .map(|item| {
                let mut names = vec![item.name.clone()];
                let mut at = item.parent_id.as_deref();
                while let Some(parent) = at.and_then(|id| items.get(id)) {
                    names.push(parent.name.clone());
                    at = parent.parent_id.as_deref();
                }
                names.reverse();
                let ending = match (item.is_folder, item.is_attached) {
                    (true, true) => "//",
                    (true, false) => "/",
                    (false, _) => "",
                };
                format!("{}{}{ending}", if item.read_only { "!" } else { "" }, names.join("/"))
            })
            .collect();
        paths.sort();
        paths
    }

    /// An item of the tree by its path.
    pub async fn item(&self, path: &str) -> Item {
        let names: Vec<String> = path.split('/').map(str::to_owned).collect();
        let named = self.store.resolve(&names, Visibility::All).await.unwrap();
        self.store.item(&named.id, Visibility::All).await.unwrap()
    }

    /// Whether there is an item of the tree at a path.
    pub async fn exists(&self, path: &str) -> bool {
        let names: Vec<String> = path.split('/').map(str::to_owned).collect();
        self.store.resolve(&names, Visibility::All).await.is_ok()
    }

    /// A person writes an article.
    pub async fn write(&self, parent_id: &str, name: &str, text: &str) -> Item {
        let content = NewContent { text: text.to_owned(), ..NewContent::default() };
        let item = NewItem {
            parent_id: parent_id.to_owned(),
            name: name.to_owned(),
            content: Some(content),
            ..NewItem::default()
        };
        self.store.create(&item, &self.author()).await.unwrap()
    }

    pub fn author(&self) -> Author<'static> {
        Author { user: "ada", is_admin: true, at: self.clock.now() }
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.client.get(path).bearer(self.identity.user_token(PermissionLevel::Admin)).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.post_as(PermissionLevel::Admin, path, body).await
    }

    pub async fn post_as(&self, level: PermissionLevel, path: &str, body: Value) -> TestResponse {
        let request = self.client.post(path).bearer(self.identity.user_token(level));
        if body.is_null() { request.send().await } else { request.json(&body).send().await }
    }

    pub async fn status(&self) -> Value {
        let answer = self.get("/admin/sync/status").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Waits until a sync runs no more.
    pub async fn until_over(&self, sync: &str) -> Value {
        for _ in 0..400 {
            let status = self.status().await;
            if status[sync]["running"] == false {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the sync does not end");
    }
}
