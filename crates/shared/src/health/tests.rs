//! The three routes as probes and people see them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use axum::{Router, extract::State, routing::get};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;

use super::*;
use crate::{
    registry::{Registry, ServiceEntry},
    testing::{Client, TestIdentity, settings},
};

fn time() -> DateTime<Utc> {
    "2025-11-22T10:30:00.5Z".parse().unwrap()
}

async fn listen(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// An address nobody listens on.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A peer whose `/health` answers a fixed code and remembers what it was asked.
#[derive(Clone)]
struct Peer {
    code: StatusCode,
    asked: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Peer {
    fn new(code: u16) -> Self {
        Self { code: StatusCode::from_u16(code).unwrap(), asked: Arc::default() }
    }

    async fn listen(&self) -> String {
        let answer = async |State(peer): State<Self>, headers: HeaderMap| {
            peer.asked.lock().unwrap().push(headers);
            peer.code
        };
        listen(Router::new().route("/health", get(answer)).with_state(self.clone())).await
    }
}

fn context(urls: &[(&str, String)]) -> ServiceContext {
    let mut registry = Registry::default();
    for (name, url) in urls {
        registry.0.insert((*name).to_owned(), ServiceEntry::at(url.clone()));
    }
    TestIdentity::new(Clock::fixed(time())).context_with(settings("beacon"), "beacon", registry)
}

/// The document without the numbers of this machine's disk.
async fn report(client: &Client) -> (StatusCode, Value) {
    let response = client.get("/health").send().await;
    let mut document = response.json();
    let disk = &mut document["checks"]["disk"];
    for number in ["free_gb", "usage_percent", "total_gb"] {
        assert!(disk[number].is_number(), "{disk}");
    }
    *disk = "checked".into();
    (response.status, document)
}

fn check(result: CheckResult) -> impl Fn() -> std::future::Ready<CheckResult> + Send + Sync + 'static {
    move || std::future::ready(result.clone())
}

/// Overall status and code with the given checks; the disk of the test machine may be low, which is degraded.
async fn overall(beacon: bool, results: &[CheckResult]) -> (StatusCode, String) {
    let mut health = Health::new(&context(&[])).degraded_is_503(beacon);
    // The disk of the machine that runs the tests must not decide.
    health.disk = Cached::new(Duration::MAX);
    health.disk.get(|| async { CheckResult::healthy() }).await;
    for (number, result) in results.iter().enumerate() {
        health = health.check(["a", "b", "c"][number], check(result.clone()));
    }
    let response = Client::new(health.router()).get("/health").send().await;
    (response.status, response.json()["status"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_worst_check_decides_and_degraded_is_503_for_beacon_alone() {
    let healthy = CheckResult::healthy;
    let degraded = CheckResult::degraded;
    let unhealthy = || CheckResult::unhealthy("timeout");
    for (results, status, code, code_of_beacon) in [
        (vec![], "healthy", 200, 200),
        (vec![healthy(), healthy()], "healthy", 200, 200),
        (vec![healthy(), CheckResult::unknown("?")], "healthy", 200, 200),
        (vec![healthy(), degraded()], "degraded", 200, 503),
        (vec![degraded(), unhealthy(), healthy()], "unhealthy", 503, 503),
    ] {
        let expected = |code| (StatusCode::from_u16(code).unwrap(), status.to_owned());
        assert_eq!(overall(false, &results).await, expected(code), "{results:?}");
        assert_eq!(overall(true, &results).await, expected(code_of_beacon), "{results:?}");
    }
}

#[tokio::test]
async fn dependencies_are_healthy_degraded_or_unhealthy_by_their_answer() {
    let urls = [
        ("core", Peer::new(200).listen().await),
        ("codex", Peer::new(503).listen().await),
        ("ledger", nobody().await),
    ];
    let keycloak = format!("{}/health", Peer::new(200).listen().await);
    let health = Health::new(&context(&urls))
        .dependency("core")
        .dependency("codex")
        .dependency("ledger")
        .dependency("unheard-of")
        .dependency_at("keycloak", keycloak);
    let (code, mut document) = report(&Client::new(health.router())).await;
    let dependencies = &mut document["checks"]["dependencies"];
    for name in ["core", "keycloak"] {
        let took = dependencies[name]["response_time_ms"].take();
        assert!(took.as_f64().is_some_and(|took| took >= 0.0), "{name}: {took}");
    }
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        document,
        json!({
            "service": "beacon", "status": "unhealthy", "timestamp": "2025-11-22T10:30:00Z",
            "checks": {"disk": "checked", "dependencies": {
                "core": {"status": "healthy", "response_time_ms": null},
                "codex": {"status": "degraded", "http_status": 503},
                "ledger": {"status": "unhealthy", "error": "connection_refused"},
                "unheard-of": {"status": "unhealthy", "error": "not registered"},
                "keycloak": {"status": "healthy", "response_time_ms": null},
            }}
        })
    );
}

#[tokio::test]
async fn a_probe_is_shallow_and_many_askers_cause_one() {
    let peer = Peer::new(200);
    let health = Health::new(&context(&[("core", peer.listen().await)])).dependency("core");
    let client = Client::new(health.router());
    join_all((0..20).map(|_| client.get("/health").send())).await;
    let asked = peer.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0][PROBE_HEADER], PROBE_SHALLOW);
}

#[tokio::test]
async fn a_shallow_probe_is_answered_without_asking_others() {
    let peer = Peer::new(503);
    let health = Health::new(&context(&[("core", peer.listen().await)])).dependency("core");
    let response =
        Client::new(health.router()).get("/health").header("x-health-probe", "shallow").send().await;
    assert!(response.json()["checks"].get("dependencies").is_none());
    assert!(peer.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn liveness_answers_always_and_readiness_follows_the_own_store() {
    let store_works = Arc::new(AtomicU32::new(0));
    let seen = store_works.clone();
    let mut health = Health::new(&context(&[("core", nobody().await)]))
        .dependency("core")
        .check("redis", check(CheckResult::unhealthy("connection_refused")))
        .store("neo4j", move || {
            let works = seen.load(Ordering::SeqCst) > 0;
            async move { if works { CheckResult::healthy() } else { CheckResult::unhealthy("timeout") } }
        });
    health.own.iter_mut().for_each(|own| own.last = Cached::new(Duration::ZERO));
    let client = Client::new(health.router());
    let live = client.get("/livez").send().await;
    assert_eq!(live.status, StatusCode::OK);
    assert_eq!(
        live.json(),
        json!({"service": "beacon", "status": "alive", "timestamp": "2025-11-22T10:30:00Z"})
    );
    let ready = client.get("/readyz").send().await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ready.json(),
        json!({
            "service": "beacon", "status": "not_ready", "timestamp": "2025-11-22T10:30:00Z",
            "checks": {"neo4j": {"status": "unhealthy", "error": "timeout"}}
        })
    );
    store_works.store(1, Ordering::SeqCst);
    assert_eq!(client.get("/readyz").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_store_readiness_is_liveness() {
    let client = Client::new(Health::new(&context(&[])).router());
    assert_eq!(client.get("/readyz").send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_database_that_is_away_is_unhealthy_and_not_ready() {
    let url = nobody().await.replace("http://", "postgres://u:p@") + "/db";
    let options = PgPoolOptions::new().acquire_timeout(Duration::from_millis(50));
    let health = Health::new(&context(&[])).database(options.connect_lazy(&url).unwrap());
    let client = Client::new(health.router());
    let (code, document) = report(&client).await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        document["checks"]["database"],
        json!({"status": "unhealthy", "error": "timeout", "type": "postgresql"})
    );
    assert_eq!(client.get("/readyz").send().await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[sqlx::test(migrations = false)]
async fn a_database_that_answers_is_healthy(pool: PgPool) {
    let client = Client::new(Health::new(&context(&[])).database(pool).router());
    let (_, mut document) = report(&client).await;
    let latency = document["checks"]["database"]["latency_ms"].take();
    assert!(latency.is_u64(), "{latency}");
    assert_eq!(
        document["checks"]["database"],
        json!({"status": "healthy", "message": "Connected", "type": "postgresql", "latency_ms": null})
    );
    assert_eq!(client.get("/readyz").send().await.status, StatusCode::OK);
}
