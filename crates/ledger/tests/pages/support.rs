//! Ledger in process, with a Core and a Codex on one loopback port.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use clap::Parser;
use hivematrix_ledger::{Ledger, app, config::Settings};
use hivematrix_shared::{
    auth::PermissionLevel::{self, Admin},
    clock::Clock,
    registry::{Registry, ServiceEntry},
    server,
    testing::{Client, TestIdentity, TestResponse, settings},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

/// The middle of a month.
pub const NOW: &str = "2025-07-15T10:30:00Z";

/// A company whose names would break out of a page that lets them.
pub const HOSTILE: &str = "North <script>alert('1')</script> & \"Sons\"";

/// What Codex and Core answer, by path.
#[derive(Clone)]
struct Peer {
    answers: Arc<Mutex<HashMap<String, Value>>>,
    identity: TestIdentity,
}

async fn answer(State(peer): State<Peer>, request: Request) -> Response {
    match request.uri().path() {
        "/service-token" => {
            Json(json!({"token": peer.identity.service_token("ledger", "codex")})).into_response()
        }
        "/.well-known/jwks.json" => Json(peer.identity.jwks()).into_response(),
        path => match peer.answers.lock().unwrap().get(path) {
            Some(Value::Null) => StatusCode::BAD_GATEWAY.into_response(),
            Some(value) => Json(value.clone()).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

/// Ledger and what it asks.
pub struct World {
    pub client: Client,
    pub identity: TestIdentity,
    peer: Peer,
}

impl World {
    /// Two companies: one with a bill, one without a plan.
    pub async fn new(pool: PgPool) -> Self {
        let identity = TestIdentity::new(Clock::manual(NOW.parse().unwrap()));
        let peer = Peer { answers: Arc::default(), identity: identity.clone() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(peer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let entry = |name: &str| {
            let entry: ServiceEntry = serde_json::from_value(json!({ "url": url })).unwrap();
            (name.to_owned(), entry)
        };
        let registry = Registry(["core", "codex"].map(entry).into_iter().collect());
        let context = identity.context_with(settings("ledger"), "ledger", registry);
        let ledger = Ledger::new(context.clone(), &Settings::parse_from(["ledger"]), pool);
        tokio::spawn(ledger.jobs.clone().run());
        let (router, options) = app(ledger);
        let client = Client::new(server::apply(&context, router, options));
        let world = Self { client, identity, peer };
        world.fill();
        world
    }

    fn fill(&self) {
        let company = json!({
            "account_number": "100001", "name": HOSTILE, "billing_plan": "Standard",
            "contract_term_length": "1 Year", "contract_start_date": "2024-08-01", "contract_end_date": "2025-07-31"
        });
        let assets = json!([
            {"id": 1, "hostname": "PC-<i>1</i>", "device_type": "Laptop", "backup_data_bytes": 0},
            {"id": 2, "hostname": "SRV", "device_type": "Server", "backup_data_bytes": 3_298_534_883_328_i64},
            {"id": 3, "hostname": "PRN", "device_type": "Printer", "backup_data_bytes": 0}
        ]);
        let contacts = json!([
            {"id": 7, "full_name": "Ada \"<u>\" Lovelace", "email": "ada@example.test", "active": true},
            {"id": 8, "full_name": "Gone", "email": "gone@example.test", "active": false}
        ]);
        let tickets = json!([{
            "ticket_number": "501", "subject": "<img src=x onerror=alert(1)>", "last_updated_at": "2025-06-20T09:00:00Z",
            "total_hours_spent": 2.5
        }]);
        let plan = json!({
            "id": 1, "plan_name": "Standard", "term_length": "1 Year", "support_level": "Billed Hourly",
            "per_user_cost": 40, "per_workstation_cost": 25, "per_server_cost": 125, "per_hour_ticket_cost": 1100,
            "backup_base_fee_server": 50, "backup_included_tb": 1, "backup_per_tb_fee": 15,
            "features": {"antivirus": "EDR", "soc": "Not Included"}, "feature_display_names": {"antivirus": "Antivirus"}
        });
        let planless = json!({"account_number": "100002", "name": "Planless", "contract_term_length": ""});
        self.answer("/health", json!({"checks": {}}));
        self.answer("/api/companies", json!([company, planless]));
        self.answer("/api/companies/100001", company.clone());
        self.answer("/api/companies/100001/assets", assets.clone());
        self.answer("/api/companies/100001/contacts", contacts.clone());
        self.answer("/api/companies/100001/tickets", tickets.clone());
        self.answer("/api/companies/100002", planless.clone());
        for part in ["assets", "contacts", "tickets"] {
            self.answer(&format!("/api/companies/100002/{part}"), json!([]));
        }
        let bulk = json!([
            {"company": company, "assets": assets, "contacts": contacts, "tickets": tickets},
            {"company": planless, "assets": [], "contacts": [], "tickets": []}
        ]);
        self.answer("/api/companies/bulk", bulk);
        self.answer("/billing-plans/api/plans", json!({ "plans": [plan] }));
        self.answer(
            "/billing-plans/api/feature-categories",
            json!({"categories": ["antivirus", "soc", "web_filtering"]}),
        );
        let options = json!({"features": [{"feature_category": "soc", "option_value": "Huntress"}]});
        self.answer("/billing-plans/api/feature-options", options);
    }

    /// Sets what Codex answers; null is an outage.
    pub fn answer(&self, path: &str, value: Value) {
        self.peer.answers.lock().unwrap().insert(path.to_owned(), value);
    }

    /// A page as a browser opens it, behind the gateway.
    pub async fn page_as(&self, level: PermissionLevel, path: &str) -> TestResponse {
        let request = self.client.get(path).bearer(self.identity.user_token(level));
        request.header("accept", "text/html").header("x-forwarded-prefix", "/ledger").send().await
    }

    /// The same as an administrator.
    pub async fn page(&self, path: &str) -> TestResponse {
        self.page_as(Admin, path).await
    }

    /// A form of the settings, as its page sends it.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let request = self.client.post(path).bearer(self.identity.user_token(Admin));
        request.header("x-forwarded-prefix", "/ledger").form(fields).send().await
    }

    /// A JSON call.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> TestResponse {
        self.client.request(method, path).bearer(self.identity.user_token(Admin)).json(&body).send().await
    }

    /// Accepts the bill of a month.
    pub async fn accept(&self, month: u32) {
        let body =
            json!({"account_number": "100001", "year": 2025, "month": month, "notes": "seen <b>by</b> me"});
        let answer = self.call(Method::POST, "/api/bill/accept", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }
}

/// The text of a page without its markup, one line a piece, for snapshots.
pub fn words(html: &str) -> String {
    let main = html.split_once("<main").map_or(html, |(_, rest)| rest.split_once('>').unwrap().1);
    let main = main.split_once("</main>").map_or(main, |(main, _)| main);
    let mut text = String::new();
    let mut is_markup = false;
    for letter in main.chars() {
        match letter {
            '<' => {
                is_markup = true;
                text.push('\n');
            }
            '>' => is_markup = false,
            letter if !is_markup => text.push(letter),
            _ => {}
        }
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}
