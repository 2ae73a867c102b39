//! Security headers of every kind of answer (nexus.md §13).

use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use hivematrix_shared::{auth::PermissionLevel::Technician, testing::TestResponse};
use http::Method;

use crate::support::{HTML, World};

/// Answers as services give them, some with headers that are not theirs to set.
fn site() -> Router {
    const OPEN: [(header::HeaderName, &str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "https://evil.example"),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::REFERRER_POLICY, "unsafe-url"),
        (header::X_FRAME_OPTIONS, "ALLOWALL"),
    ];
    Router::new()
        .route("/page", get(|| async { (OPEN, Html("<html><body>x</body></html>")) }))
        .route("/data", get(|| async { (OPEN, [(header::CONTENT_TYPE, "application/json")], "{}") }))
        .route("/image", get(|| async { ([(header::CONTENT_TYPE, "image/svg+xml")], "<svg/>") }))
        .route("/feed", get(|| async { ([(header::CONTENT_TYPE, "application/xml")], "<a/>") }))
        .route(
            "/sandboxed",
            get(|| async {
                ([(header::CONTENT_SECURITY_POLICY, "sandbox")], Html("<html><body>x</body></html>"))
                    .into_response()
            }),
        )
        .route("/docs", get(|| async { Html("<html><body>docs</body></html>") }))
}

/// A header of an answer, several values joined.
fn value(answer: &TestResponse, name: &str) -> String {
    let values = answer.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
    values.collect::<Vec<_>>().join(" | ")
}

#[tokio::test]
async fn each_kind_of_answer_has_its_headers() {
    let world = World::with_compat(site()).await;
    let strict = "default-src 'none'; script-src 'self' 'nonce-";
    // Path, header, how its value begins; empty: the header is absent.
    for (path, name, expected) in [
        ("/ledger/page", "content-security-policy", strict),
        ("/ledger/page", "x-frame-options", "SAMEORIGIN"),
        ("/ledger/page", "cross-origin-opener-policy", "same-origin"),
        ("/ledger/page", "cross-origin-resource-policy", "same-origin"),
        ("/ledger/page", "referrer-policy", "same-origin"),
        ("/ledger/page", "permissions-policy", "accelerometer=(), camera=()"),
        ("/ledger/page", "x-content-type-options", "nosniff"),
        ("/ledger/page", "cache-control", "no-store"),
        ("/ledger/page", "access-control-allow-origin", ""),
        ("/ledger/page", "access-control-allow-credentials", ""),
        ("/ledger/page", "strict-transport-security", ""),
        ("/ledger/data", "content-security-policy", ""),
        ("/ledger/data", "access-control-allow-origin", ""),
        ("/ledger/data", "referrer-policy", "same-origin"),
        ("/ledger/data", "x-content-type-options", "nosniff"),
        ("/ledger/data", "cache-control", "private, no-cache"),
        ("/ledger/image", "content-security-policy", strict),
        ("/ledger/feed", "content-security-policy", strict),
        ("/ledger/sandboxed", "content-security-policy", "sandbox | default-src 'none'"),
        (
            "/ledger/docs",
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'",
        ),
        ("/ledger/gone", "x-content-type-options", "nosniff"),
        ("/beacon/page", "content-security-policy", "default-src 'self'; script-src 'self' 'unsafe-inline'"),
        ("/beacon/page", "x-frame-options", "SAMEORIGIN"),
        (
            "/beacon/docs",
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'",
        ),
        ("/nope/", "content-security-policy", strict),
        ("/nope/", "x-frame-options", "SAMEORIGIN"),
        (
            "/docs",
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'",
        ),
        ("/static/css/global.css", "x-content-type-options", "nosniff"),
        ("/static/img/icon.svg", "content-security-policy", strict),
        ("/health", "x-content-type-options", "nosniff"),
        ("/health", "cross-origin-resource-policy", "same-origin"),
        ("/keycloak/realms/hivematrix/account", "content-security-policy", strict),
        ("/keycloak/realms/hivematrix/foreign", "content-security-policy", "frame-src 'self'"),
        ("/keycloak/realms/hivematrix/foreign", "x-frame-options", ""),
        ("/keycloak/realms/hivematrix/foreign", "x-content-type-options", "nosniff"),
    ] {
        let request = world.call(Method::GET, path, Technician).header("accept", HTML);
        let sent = value(&request.send().await, name);
        let holds = if expected.is_empty() { sent.is_empty() } else { sent.starts_with(expected) };
        assert!(holds, "{path} {name}: {sent}");
    }
}

#[tokio::test]
async fn no_preflight_of_another_site_is_granted() {
    let world = World::in_front_of(site()).await;
    let answer = world
        .request(Method::OPTIONS, "/ledger/data")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST")
        .send()
        .await;
    assert!(
        answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")),
        "{:?}",
        answer.headers
    );
}
