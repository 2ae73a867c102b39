//! Ledger in process, with peers on a loopback port whose answers the test sets.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use hivematrix_ledger::{Ledger, app, config::Settings};
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

/// The time of all tests, if they do not move it.
pub const NOW: &str = "2025-07-15T12:00:00Z";

/// A company of the played Codex.
#[derive(Clone, Debug)]
pub struct Company {
    pub company: Value,
    pub assets: Vec<Value>,
    pub contacts: Vec<Value>,
    pub tickets: Vec<Value>,
}

impl Company {
    /// With three people, two workstations and a server, on the plan `Silver`.
    pub fn new(number: &str, name: &str) -> Self {
        let id = number.parse::<i64>().unwrap_or(1) * 100;
        let asset = |place: i64, kind: &str| {
            json!({"id": id + place, "hostname": format!("HOST-{place}"), "hardware_type": kind, "device_type": null,
                "backup_data_bytes": 0})
        };
        let contact = |place: i64, name: &str| {
            json!({"id": id + place, "name": name, "email": format!("{place}@{number}.example"), "active": true,
                "title": "Clerk", "mobile_phone_number": "555-0100"})
        };
        Self {
            company: json!({"account_number": number, "name": name, "billing_plan": "Silver",
                "contract_term_length": "1 Year", "contract_start_date": "2025-01-01", "contract_end_date": "2025-12-31",
                "description": "not for the archive"}),
            assets: vec![asset(1, "Desktop"), asset(2, "Laptop"), asset(3, "Server")],
            contacts: vec![contact(1, "Amy Jones"), contact(2, "Bob Kerr"), contact(3, "Cy Lin")],
            tickets: Vec::new(),
        }
    }

    pub fn plan(mut self, name: Option<&str>) -> Self {
        self.company["billing_plan"] = json!(name);
        self
    }

    /// A ticket without dated entries.
    pub fn ticket(mut self, number: &str, updated: &str, hours: f64) -> Self {
        self.tickets.push(json!({"ticket_number": number, "subject": format!("Work {number}"),
            "last_updated_at": updated, "total_hours_spent": hours, "time_entries": []}));
        self
    }

    /// A ticket with dated entries: id, time, hours.
    pub fn entries(mut self, number: &str, updated: &str, entries: &[(i64, &str, f64)]) -> Self {
        let hours: f64 = entries.iter().map(|(_, _, hours)| hours).sum();
        let entries: Vec<Value> = entries
            .iter()
            .map(|(id, at, hours)| json!({"id": id, "executed_at": at, "hours": hours, "billable": true}))
            .collect();
        self.tickets
            .push(json!({"ticket_number": number, "subject": "Dated work", "last_updated_at": updated,
            "total_hours_spent": hours, "time_entries": entries}));
        self
    }
}

/// What the played Codex says.
#[derive(Default)]
struct World {
    companies: Vec<Company>,
    plans: Vec<Value>,
    /// Instead of what it would answer.
    faults: HashMap<String, (u16, String)>,
    /// The answer about all companies ends after so many bytes.
    breaks_off: Option<usize>,
    /// So many times; always without a number.
    breaks_left: Option<usize>,
    last_sync: Option<String>,
    /// Paths whose answers wait.
    held: HashSet<String>,
    seen: Vec<String>,
}

/// The played peers.
#[derive(Clone)]
pub struct Peers {
    world: Arc<Mutex<World>>,
    identity: TestIdentity,
    url: String,
}

impl Peers {
    async fn start(identity: TestIdentity) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let peers = Self { world: Arc::default(), identity, url };
        peers.world.lock().unwrap().plans = vec![silver()];
        let app = Router::new().fallback(answer).with_state(peers.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        peers
    }

    pub fn companies(&self, companies: impl IntoIterator<Item = Company>) {
        self.world.lock().unwrap().companies = companies.into_iter().collect();
    }

    /// Answers this to a path from now on.
    pub fn fault(&self, path: &str, status: u16, body: &str) {
        self.world.lock().unwrap().faults.insert(path.to_owned(), (status, body.to_owned()));
    }

    /// Answers as before.
    pub fn mend(&self, path: &str) {
        self.world.lock().unwrap().faults.remove(path);
    }

    /// Adds a plan with the prices of `Silver`.
    pub fn plan(&self, name: &str) {
        let mut plan = silver();
        plan["plan_name"] = json!(name);
        self.world.lock().unwrap().plans.push(plan);
    }

    /// Lets answers of a path wait from now on.
    pub fn hold(&self, path: &str) {
        self.world.lock().unwrap().held.insert(path.to_owned());
    }

    /// Answers those that wait.
    pub fn release(&self, path: &str) {
        self.world.lock().unwrap().held.remove(path);
    }

    pub fn break_off(&self, after: usize) {
        self.world.lock().unwrap().breaks_off = Some(after);
    }

    /// So many times only.
    pub fn break_off_times(&self, after: usize, times: usize) {
        let world = &mut *self.world.lock().unwrap();
        (world.breaks_off, world.breaks_left) = (Some(after), Some(times));
    }

    pub fn last_sync(&self, time: &str) {
        self.world.lock().unwrap().last_sync = Some(time.to_owned());
    }

    /// Paths with their queries that were asked for.
    pub fn seen(&self, path: &str) -> Vec<String> {
        self.world.lock().unwrap().seen.iter().filter(|seen| seen.starts_with(path)).cloned().collect()
    }
}

fn silver() -> Value {
    json!({"id": 3, "plan_name": "Silver", "term_length": "1 Year", "support_level": "Billed Hourly", "per_user_cost": 24.0,
        "per_workstation_cost": 31.25, "per_server_cost": 99.99, "per_vm_cost": 62.4, "per_switch_cost": 8.0,
        "per_firewall_cost": 19.5, "per_hour_ticket_cost": 110.0, "backup_base_fee_workstation": 25.0,
        "backup_base_fee_server": 50.0, "backup_included_tb": 1.5, "backup_per_tb_fee": 15.35,
        "features": {"antivirus": "Sentry EDR"}, "feature_display_names": {"antivirus": "Antivirus"}})
}

async fn answer(State(peers): State<Peers>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if path == "/service-token" {
        let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let target = body["target_service"].as_str().unwrap_or_default();
        return Json(json!({"token": peers.identity.service_token("ledger", target)})).into_response();
    }
    let probe = parts.headers.get("x-health-probe").and_then(|probe| probe.to_str().ok());
    let probe = probe.map(|probe| format!(" {probe}")).unwrap_or_default();
    let seen = format!("{path}?{}{probe}", parts.uri.query().unwrap_or_default());
    peers.world.lock().unwrap().seen.push(seen);
    while peers.world.lock().unwrap().held.contains(&path) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let world = &mut *peers.world.lock().unwrap();
    if let Some((status, body)) = world.faults.get(&path) {
        return (StatusCode::from_u16(*status).unwrap(), body.clone()).into_response();
    }
    let query: HashMap<&str, &str> =
        parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')).collect();
    let year = query.get("year").copied();
    let of_year = |company: &Company| -> Vec<Value> {
        let is_of = |at: &Value| year.is_none_or(|year| at.as_str().is_some_and(|at| at.starts_with(year)));
        let fits = |ticket: &&Value| {
            is_of(&ticket["last_updated_at"])
                || ticket["time_entries"].as_array().unwrap().iter().any(|entry| is_of(&entry["executed_at"]))
        };
        company.tickets.iter().filter(fits).cloned().collect()
    };
    match path.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["health"] => {
            let sync = world.last_sync.as_ref().map(|time| json!({"last_sync_time": time}));
            Json(json!({"checks": {"sync": sync}})).into_response()
        }
        ["billing-plans", "api", "plans"] => Json(json!({"plans": world.plans})).into_response(),
        ["billing-plans", "api", "feature-categories"] => {
            Json(json!({"categories": ["antivirus", "web_filtering"]})).into_response()
        }
        ["billing-plans", "api", "feature-options"] => Json(json!({"features": {}})).into_response(),
        ["api", "companies"] => {
            Json(world.companies.iter().map(|company| company.company.clone()).collect::<Vec<_>>())
                .into_response()
        }
        ["api", "companies", "bulk"] => {
            let elements: Vec<Value> = world
                .companies
                .iter()
                .map(|company| {
                    json!({"company": company.company, "assets": company.assets, "contacts": company.contacts,
                        "users": company.contacts, "locations": [], "tickets": of_year(company)})
                })
                .collect();
            let text = serde_json::to_string(&elements).unwrap();
            let after = match &mut world.breaks_left {
                Some(0) => None,
                Some(left) => {
                    *left -= 1;
                    world.breaks_off
                }
                None => world.breaks_off,
            };
            match after {
                None => text.into_response(),
                Some(after) => {
                    let parts = [Ok(text[..after].to_owned()), Err(std::io::Error::other("gone"))];
                    let parts = futures::stream::iter(parts).then(|part| async {
                        if part.is_err() {
                            // What came before is under way by then.
                            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        }
                        part
                    });
                    Body::from_stream(parts).into_response()
                }
            }
        }
        ["api", "companies", number, ref rest @ ..] => {
            let found = world.companies.iter().find(|company| company.company["account_number"] == number);
            let Some(company) = found else {
                return (StatusCode::NOT_FOUND, Json(json!({"error": "Company not found"}))).into_response();
            };
            match rest {
                [] => Json(company.company.clone()).into_response(),
                ["assets"] => Json(company.assets.clone()).into_response(),
                ["contacts"] => Json(company.contacts.clone()).into_response(),
                ["tickets"] => Json(of_year(company)).into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Ledger and its peers.
pub struct Suite {
    pub client: Client,
    pub ledger: Ledger,
    pub peers: Peers,
    pub identity: TestIdentity,
    pub clock: Clock,
    pub pool: PgPool,
}

impl Suite {
    pub async fn start(pool: PgPool) -> Self {
        Self::start_with(pool, &[]).await
    }

    /// With arguments of the command line.
    pub async fn start_with(pool: PgPool, arguments: &[&str]) -> Self {
        let clock = Clock::manual(NOW.parse().unwrap());
        let identity = TestIdentity::new(clock.clone());
        let peers = Peers::start(identity.clone()).await;
        Self::beside(pool, clock, identity, peers, arguments)
    }

    /// A second instance over the same database, clock and peers.
    pub fn second(&self) -> Self {
        Self::beside(self.pool.clone(), self.clock.clone(), self.identity.clone(), self.peers.clone(), &[])
    }

    fn beside(pool: PgPool, clock: Clock, identity: TestIdentity, peers: Peers, arguments: &[&str]) -> Self {
        let entry = |name: &str| {
            let entry: ServiceEntry = serde_json::from_value(json!({"url": peers.url})).unwrap();
            (name.to_owned(), entry)
        };
        let registry = Registry(["core", "codex"].into_iter().map(entry).collect());
        let context = identity.context_with(settings("ledger"), "ledger", registry);
        let mut given: Settings = clap::Parser::parse_from([&["ledger"], arguments].concat());
        *given.common_mut() = settings("ledger");
        let ledger = Ledger::new(context.clone(), &given, pool.clone());
        let (router, options) = app(ledger.clone());
        let client = Client::new(server::apply(&context, router, options));
        Self { client, ledger, peers, identity, clock, pool }
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.get_as(PermissionLevel::Billing, path).await
    }

    pub async fn get_as(&self, level: PermissionLevel, path: &str) -> TestResponse {
        self.client.get(path).bearer(self.identity.user_token(level)).send().await
    }

    /// An answer that must be 200.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> TestResponse {
        self.send_as(PermissionLevel::Billing, method, path, body).await
    }

    pub async fn as_admin(&self, method: &str, path: &str, body: Value) -> TestResponse {
        self.send_as(PermissionLevel::Admin, method, path, body).await
    }

    async fn send_as(&self, level: PermissionLevel, method: &str, path: &str, body: Value) -> TestResponse {
        let request = self.client.request(method.parse().unwrap(), path);
        let request = request.bearer(self.identity.user_token(level));
        if body.is_null() { request.send().await } else { request.json(&body).send().await }
    }

    /// A form, as a page sends it.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let token = self.identity.user_token(PermissionLevel::Billing);
        self.client.post(path).bearer(token).form(fields).send().await
    }

    pub async fn accept(&self, account: &str, year: i32, month: i32) -> TestResponse {
        self.send(
            "POST",
            "/api/bill/accept",
            json!({"account_number": account, "year": year, "month": month}),
        )
        .await
    }

    pub fn at(&self, time: &str) {
        self.clock.set(time.parse::<DateTime<Utc>>().unwrap());
    }
}
