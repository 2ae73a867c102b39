//! Audit lines: who came and went, what was refused, what administrators changed.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use hivematrix_shared::auth::PermissionLevel::{Admin, Technician};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt};

use crate::support::{HTML, ORIGIN, Plan, World, echo, serve};

/// The audit lines of this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Value>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "audit" {
            let mut fields = Fields::default();
            event.record(&mut fields);
            self.0.lock().unwrap().push(Value::Object(fields.0));
        }
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), json!(format!("{value:?}")));
    }
}

impl Lines {
    /// Listens on this thread as long as the guard lives.
    fn listen() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
        (lines, guard)
    }

    /// What was written since the last time.
    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn suite() -> World {
    let backend = serve(echo()).await;
    World::with(Plan {
        backends: ["ledger", "helm"].map(|name| (name, backend.clone())).to_vec(),
        entries: json!({"helm": {"admin_only": true}}),
        ..Plan::default()
    })
    .await
}

#[tokio::test]
async fn coming_and_going_is_written_down_without_any_secret() {
    let world = suite().await;
    let (lines, _guard) = Lines::listen();
    let browser = world.sign_in().await;
    browser.request(Method::POST, "/logout").send().await;
    let person =
        json!({"user": "technician@example.test", "sub": "user-technician", "client_address": "127.0.0.1"});
    let mut signed_in = person.clone();
    for (name, value) in [
        ("message", json!("Signed in")),
        ("permission_level", json!("technician")),
        ("renewal", json!(false)),
    ] {
        signed_in[name] = value;
    }
    let mut signed_out = person;
    signed_out["message"] = json!("Signed out");
    let written = lines.take();
    assert_eq!(written, [signed_in, signed_out]);
    assert!(!json!(written).to_string().contains("eyJ"));
}

#[tokio::test]
async fn each_kind_of_refusal_has_its_line() {
    let world = suite().await;
    let mut browser = world.sign_in().await;
    let (lines, _guard) = Lines::listen();
    let technician = "technician@example.test";
    let foreign =
        |request: hivematrix_shared::testing::TestRequest| request.header("sec-fetch-site", "cross-site");
    for (request, status, expected) in [
        (
            world.call(Method::GET, "/helm/", Technician),
            StatusCode::FORBIDDEN,
            json!({"reason": "level", "user": technician, "service": "helm", "detail": "technician"}),
        ),
        (
            foreign(browser.with_cookies(world.request(Method::POST, "/ledger/x"))),
            StatusCode::FORBIDDEN,
            json!({"reason": "other_site", "user": technician}),
        ),
        (
            world.get("/ledger/x").bearer("made.up.token"),
            StatusCode::UNAUTHORIZED,
            json!({"reason": "token", "detail": "The token is invalid."}),
        ),
        (
            world.get("/ledger/x").header("cookie", "__Host-session=1.cmade-up"),
            StatusCode::UNAUTHORIZED,
            json!({"reason": "session", "detail": "The token is invalid."}),
        ),
        (
            world.client.get("/ledger/x").header("host", &"evil.example".repeat(20)),
            StatusCode::MISDIRECTED_REQUEST,
            json!({"reason": "host", "detail": format!("{}…", &"evil.example".repeat(20)[..99])}),
        ),
        (
            world.call(Method::POST, "/core/service-token", Admin),
            StatusCode::FORBIDDEN,
            json!({"reason": "path", "user": "admin@example.test", "service": "core"}),
        ),
        (
            world.get("/keycloak/admin/"),
            StatusCode::NOT_FOUND,
            json!({"reason": "path", "service": "keycloak"}),
        ),
        (
            world.get("/ledger/x").header("host", "gw.test, evil.example"),
            StatusCode::BAD_REQUEST,
            json!({"reason": "framing", "detail": "The request must name exactly one host."}),
        ),
        (
            world.open("/keycloak-callback?code=stolen&state=made-up"),
            StatusCode::UNAUTHORIZED,
            json!({"reason": "sign_in", "detail": "Invalid state parameter. Start the sign-in again."}),
        ),
    ] {
        let mut expected = expected;
        expected["message"] = json!("A request was refused");
        expected["client_address"] = json!("127.0.0.1");
        let answer = request.send().await;
        assert_eq!(answer.status, status, "{expected}");
        let written = lines.take();
        assert_eq!(written, [expected]);
        assert!(!json!(written).to_string().contains("stolen"));
    }
    assert_eq!(browser.open("/ledger/").await.status, StatusCode::OK);
    assert!(lines.take().is_empty(), "what is allowed leaves no line");
}

#[tokio::test]
async fn a_flood_of_refusals_is_one_line_and_a_number() {
    let world = suite().await;
    let (lines, _guard) = Lines::listen();
    for _ in 0..50 {
        world.get("/ledger/x").bearer("made.up.token").send().await;
    }
    assert_eq!(lines.take().len(), 1);
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(61)).await;
    let further = json!({"message": "Further requests were refused", "reason": "token", "asker": "127.0.0.1", "count": 49});
    assert_eq!(lines.take(), [further]);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(lines.take().is_empty(), "told once");
}

#[tokio::test]
async fn changes_by_administrators_are_written_down_and_reads_and_other_services_are_not() {
    let world = suite().await;
    let (lines, _guard) = Lines::listen();
    for (method, path, service) in [
        (Method::POST, "/helm/api/services/codex/restart?token=secret", Some("helm")),
        (Method::DELETE, "/core/api/sessions/abc", Some("core")),
        (Method::PUT, "/helm/x", Some("helm")),
        (Method::GET, "/helm/api/services/status", None),
        (Method::POST, "/ledger/x", None),
    ] {
        let request = world.call(method.clone(), path, Admin).header("origin", ORIGIN).header("accept", HTML);
        let status = request.send().await.status.as_u16();
        let written = lines.take();
        let expected = service.map(|service| {
            json!({
                "message": "An administrator's request was passed on", "user": "admin@example.test",
                "sub": "user-admin", "client_address": "127.0.0.1", "service": service, "method": method.as_str(),
                "path": path.split('?').next().unwrap(), "status": status,
            })
        });
        assert_eq!(written, expected.into_iter().collect::<Vec<_>>(), "{method} {path}");
    }
}
