//! Beacon in process, with a Core and a Codex on loopback ports whose answers the test sets.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use clap::Parser;
use hivematrix_beacon::{Beacon, config::Settings};
use hivematrix_shared::{
    auth::PermissionLevel,
    clock::Clock,
    config::Secret,
    context::ServiceContext,
    registry::{Registry, ServiceEntry},
    server,
    testing::{Client, TestIdentity, TestResponse, settings},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The time of all tests, if they do not move it.
pub const NOW: &str = "2025-11-22T10:30:00Z";

/// One request that arrived at the pretended Core or Codex.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Value,
}

#[derive(Clone)]
struct Set {
    status: StatusCode,
    body: Bytes,
    etag: Option<String>,
    /// The answer waits until it is let go.
    held: Option<Arc<Notify>>,
}

#[derive(Default)]
struct World {
    answers: HashMap<String, Set>,
    seen: Vec<Seen>,
}

/// The pretended peers.
#[derive(Clone)]
pub struct Peers {
    world: Arc<Mutex<World>>,
    arrival: Arc<Notify>,
    identity: TestIdentity,
    pub url: String,
}

impl Peers {
    /// On a free port.
    pub async fn start(identity: TestIdentity) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let peers = Self { world: Arc::default(), arrival: Arc::default(), identity, url };
        let app = Router::new().fallback(answer).with_state(peers.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        peers
    }

    /// Sets what `METHOD /path` answers from now on.
    pub fn answer(&self, call: &str, status: u16, body: Value) {
        self.answer_text(call, status, body.to_string(), None);
    }

    /// As [`Peers::answer`] with any body and an entity tag.
    pub fn answer_text(&self, call: &str, status: u16, body: impl Into<Bytes>, etag: Option<&str>) {
        let status = StatusCode::from_u16(status).unwrap();
        let set = Set { status, body: body.into(), etag: etag.map(str::to_owned), held: None };
        self.world.lock().unwrap().answers.insert(call.to_owned(), set);
    }

    /// Lets the answer of a call wait from now on, until the notification.
    pub fn hold(&self, call: &str) -> Arc<Notify> {
        let held = Arc::new(Notify::new());
        self.world.lock().unwrap().answers.get_mut(call).unwrap().held = Some(held.clone());
        held
    }

    /// The requests for a path, in order.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.world.lock().unwrap().seen.iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// Waits until so many requests for a path have arrived.
    pub async fn until_seen(&self, path: &str, times: usize) {
        within(async {
            loop {
                let arrival = self.arrival.notified();
                if self.seen(path).len() >= times {
                    return;
                }
                arrival.await;
            }
        })
        .await;
    }
}

/// A generous limit for what has to happen; nothing is measured by it.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it should have happened long ago")
}

async fn answer(State(peers): State<Peers>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let call = format!("{} {}", parts.method, parts.uri.path());
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let set = {
        let mut world = peers.world.lock().unwrap();
        world.seen.push(Seen {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.clone(),
            body: body.clone(),
        });
        world.answers.get(&call).cloned()
    };
    peers.arrival.notify_waiters();
    if let Some(set) = set {
        if let Some(held) = &set.held {
            held.notified().await;
        }
        let sent = parts.headers.get("if-none-match").and_then(|tag| tag.to_str().ok());
        if set.etag.is_some() && sent == set.etag.as_deref() {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        let mut response = (set.status, [("content-type", "application/json")], set.body).into_response();
        if let Some(etag) = set.etag {
            response.headers_mut().insert("etag", etag.parse().unwrap());
        }
        return response;
    }
    match call.as_str() {
        "POST /service-token" => {
            let target = body["target_service"].as_str().unwrap_or_default();
            Json(json!({"token": peers.identity.service_token("beacon", target)})).into_response()
        }
        "GET /.well-known/jwks.json" => Json(peers.identity.jwks()).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Beacon and its peers.
pub struct Suite {
    pub client: Client,
    pub router: Router,
    pub beacon: Beacon,
    pub context: ServiceContext,
    pub peers: Peers,
    pub identity: TestIdentity,
    pub clock: Clock,
}

impl Suite {
    /// With default settings, no tickets, no agents and no PSA settings.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With arguments as on the command line.
    pub async fn start_with(args: &[&str]) -> Self {
        Self::start_without_but(&[], args).await
    }

    /// With a registry that does not name these services.
    pub async fn start_without(missing: &[&str]) -> Self {
        Self::start_without_but(missing, &[]).await
    }

    /// With a registry that does not name these services, and arguments.
    pub async fn start_without_but(missing: &[&str], args: &[&str]) -> Self {
        let clock = Clock::manual(NOW.parse().unwrap());
        let identity = TestIdentity::new(clock.clone());
        let peers = Peers::start(identity.clone()).await;
        peers.answer("GET /api/tickets/active", 200, json!({}));
        peers.answer("GET /api/psa/agents", 200, json!([]));
        peers.answer("GET /api/psa/config", 200, json!({}));
        let entry = |name: &str| {
            let entry: ServiceEntry = serde_json::from_value(json!({"url": peers.url})).unwrap();
            (name.to_owned(), entry)
        };
        let named = ["core", "codex"].into_iter().filter(|name| !missing.contains(name));
        let registry = Registry(named.map(entry).collect());
        let mut beacon_settings = Settings::parse_from(["beacon"].iter().chain(args));
        let rate_limit_scale = beacon_settings.common.rate_limit_scale;
        beacon_settings.common = settings("beacon");
        beacon_settings.common.rate_limit_scale = rate_limit_scale;
        beacon_settings.common.secret_key = Secret::new("the secret of the tests");
        beacon_settings.poll_interval = Duration::from_millis(20);
        let context = identity.context_with(beacon_settings.common.clone(), "beacon", registry);
        let beacon = Beacon::new(context.clone(), beacon_settings);
        let router = server::apply(&context, beacon.router(), beacon.options());
        let client = Client::new(router.clone());
        Self { client, router, beacon, context, peers, identity, clock }
    }

    /// Starts with upstream's Codex as the peer: its recorded answers.
    pub async fn start_with_upstream() -> Self {
        let suite = Self::start().await;
        for (path, body) in [
            ("GET /api/tickets/active", include_str!("fixtures/upstream_tickets_active.json")),
            ("GET /api/psa/agents", include_str!("fixtures/upstream_psa_agents.json")),
            ("GET /api/psa/config", include_str!("fixtures/upstream_psa_config.json")),
        ] {
            suite.peers.answer_text(path, 200, body, None);
        }
        suite
    }

    /// Sets the tickets that Codex has.
    pub fn tickets(&self, board: Value) {
        self.peers.answer("GET /api/tickets/active", 200, board);
    }

    /// As [`Suite::tickets`], with the entity tag by which Codex knows them.
    pub fn tickets_tagged(&self, board: Value, etag: &str) {
        self.peers.answer_text("GET /api/tickets/active", 200, board.to_string(), Some(etag));
    }

    /// A page or data as a technician.
    pub async fn get(&self, path: &str) -> TestResponse {
        self.get_as(PermissionLevel::Technician, path).await
    }

    /// A page or data as somebody of a level.
    pub async fn get_as(&self, level: PermissionLevel, path: &str) -> TestResponse {
        self.client.get(path).bearer(self.identity.user_token(level)).send().await
    }
}

/// The tickets of the contract, as our Codex sends them.
pub fn ours() -> Value {
    serde_json::from_str(include_str!("fixtures/tickets_active.json")).unwrap()
}
