//! What every service answers, whatever its own routes are.

use axum::{
    Router,
    routing::{get, post},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ServeOptions, apply};
use crate::{
    auth::{Authenticated, PermissionLevel},
    extract::Json,
    problem::{Problem, Result},
    rate_limit::{Limits, Per},
    testing::{Client, TestIdentity},
};

async fn whoami(Authenticated(caller): Authenticated) -> String {
    caller.label()
}

async fn echo(Json(body): Json<Value>) -> Json<Value> {
    Json(body)
}

async fn broken() -> Result<String> {
    Err(Problem::internal("the secret cause"))
}

async fn panics() -> String {
    panic!("boom")
}

fn client() -> (TestIdentity, Client) {
    let identity = TestIdentity::default();
    let context = identity.context("codex");
    let app = Router::new()
        .route("/api/whoami", get(whoami))
        .route("/api/echo", post(echo))
        .route("/broken", get(broken))
        .route("/panics", get(panics))
        .route("/limited", get(|| async { "ok" }));
    let limits = Limits::platform_default().route(Method::GET, "/limited", &[(1, Per::Minute)]);
    let options = ServeOptions::new("Codex", 5010).body_limit(1000).limits(limits);
    (identity, Client::new(apply(&context, app, options)))
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_with_the_path_for_calls_and_a_page_for_browsers() {
    let (_, client) = client();
    let response = client.get("/nope?x=1").send().await;
    assert_eq!(response.status, StatusCode::NOT_FOUND);
    assert_eq!(response.header("content-type"), "application/problem+json");
    assert_eq!(
        response.json(),
        json!({"type": "https://httpstatuses.com/404", "title": "Not Found", "status": 404,
               "detail": "The requested resource does not exist.", "instance": "/nope"})
    );
    let page = client.get("/nope").header("accept", "text/html").send().await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("The requested resource does not exist."));
}

#[tokio::test]
async fn an_error_that_replaces_a_compressed_body_is_not_called_compressed() {
    let (_, client) = client();
    for path in ["/nope", "/api/whoami", "/broken"] {
        let response = client.get(path).header("accept-encoding", "gzip, br").send().await;
        assert!(!response.headers.contains_key("content-encoding"), "{path}: {:?}", response.headers);
        assert_eq!(response.json()["instance"], path);
    }
}

#[tokio::test]
async fn framework_errors_keep_their_own_status() {
    let (_, client) = client();
    let wrong_method = client.request(Method::DELETE, "/api/echo").send().await;
    assert_eq!(wrong_method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong_method.header("allow"), "POST");
    assert_eq!(wrong_method.header("content-type"), "application/problem+json");
    for (kind, body, status) in [
        ("application/json", "{".to_owned(), StatusCode::BAD_REQUEST),
        ("text/plain", "{}".to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/json", format!("\"{}\"", "x".repeat(2000)), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let response = client.post("/api/echo").body(kind, body.into_bytes()).send().await;
        assert_eq!(response.status, status, "{kind}");
        assert_eq!(response.json()["status"], status.as_u16(), "{kind}");
    }
}

#[tokio::test]
async fn every_route_says_which_methods_it_serves_and_reads_have_a_head() {
    let (_, client) = client();
    for (path, methods) in [("/api/echo", "POST"), ("/api/whoami", "GET,HEAD"), ("/metrics", "GET,HEAD")] {
        let response = client.request(Method::OPTIONS, path).send().await;
        assert_eq!((response.status, response.header("allow")), (StatusCode::OK, methods), "{path}");
        assert!(response.text().is_empty(), "{path}");
    }
    assert_eq!(client.request(Method::OPTIONS, "/nope").send().await.status, StatusCode::NOT_FOUND);
    let head = client.request(Method::HEAD, "/metrics").send().await;
    assert_eq!((head.status, head.text().as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn server_errors_and_panics_tell_nothing_of_their_cause() {
    let (_, client) = client();
    for path in ["/broken", "/panics"] {
        let response = client.get(path).send().await;
        assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.json()["detail"], "An unexpected error occurred.", "{path}");
        assert!(!response.text().contains("secret") && !response.text().contains("boom"));
    }
}

#[tokio::test]
async fn the_correlation_id_comes_back_and_a_bad_one_is_replaced() {
    let (_, client) = client();
    let sent = client.get("/nope").header("x-correlation-id", "req-abc-123").send().await;
    assert_eq!(sent.header("x-correlation-id"), "req-abc-123");
    let replaced = client.get("/nope").header("x-correlation-id", "a b").send().await;
    assert_eq!(replaced.header("x-correlation-id").len(), 36);
}

#[tokio::test]
async fn a_token_counts_from_the_header_and_from_the_cookie() {
    let (identity, client) = client();
    let token = identity.user_token(PermissionLevel::Technician);
    let by_header = client.get("/api/whoami").bearer(&token).send().await;
    assert_eq!(by_header.text(), "technician@example.test");
    let by_cookie = client.get("/api/whoami").header("cookie", &format!("access_token={token}")).send().await;
    assert_eq!(by_cookie.text(), "technician@example.test");
    let without = client.get("/api/whoami").send().await;
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);
    assert_eq!(without.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn over_the_limit_is_429_with_retry_after_and_each_user_counts_alone() {
    let (identity, client) = client();
    let admin = identity.user_token(PermissionLevel::Admin);
    let billing = identity.user_token(PermissionLevel::Billing);
    assert_eq!(client.get("/limited").bearer(&admin).send().await.status, StatusCode::OK);
    let refused = client.get("/limited").bearer(&admin).send().await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.json()["detail"], "Rate limit exceeded. Try again later.");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(client.get("/limited").bearer(&billing).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn browsers_find_a_page_where_programs_find_the_metrics() {
    let identity = TestIdentity::default();
    let context = identity.context("helm");
    let options = ServeOptions::new("Helm", 5004).metrics_page(get(whoami));
    let client = Client::new(apply(&context, Router::new(), options));
    let token = identity.user_token(PermissionLevel::Admin);
    let html = "text/html,application/xhtml+xml";
    let page = client.get("/metrics").header("accept", html).bearer(&token).send().await;
    assert_eq!((page.status, page.text()), (StatusCode::OK, "admin@example.test".into()));
    let nobody = client.get("/metrics").header("accept", html).send().await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "the page has its own rules");
    let text = client.get("/metrics").header("accept", "*/*").send().await;
    assert!(text.status == StatusCode::OK && text.text().contains("process_uptime_seconds"));
    let proxied = client.get("/metrics").header("x-forwarded-prefix", "/helm").bearer(&token).send().await;
    assert_eq!(proxied.status, StatusCode::NOT_FOUND, "the text stays on this machine");
}

#[tokio::test]
async fn metrics_are_for_this_machine_and_not_through_the_gateway() {
    let (_, client) = client();
    assert_eq!(client.get("/metrics").send().await.status, StatusCode::OK);
    let proxied = client.get("/metrics").header("x-forwarded-prefix", "/codex").send().await;
    assert_eq!(proxied.status, StatusCode::NOT_FOUND);
}
