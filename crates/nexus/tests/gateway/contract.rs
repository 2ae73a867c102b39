//! Rows of nexus.md that concern the gateway as a whole: calls it does not make, limits, time limits, health (weak points 12,
//! 18, 29, 31, 33).

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::header,
    routing::{any, get, post},
};
use hivematrix_shared::auth::PermissionLevel::{Admin, Technician};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tower::ServiceExt;

use crate::support::{HTML, Plan, World, echo, serve};

#[tokio::test]
async fn requests_of_a_session_cost_no_call_to_core() {
    let world = World::new().await;
    let mut browser = world.sign_in().await;
    for _ in 0..20 {
        assert_eq!(browser.open("/ledger/").await.status, StatusCode::OK);
        assert_eq!(browser.request(Method::POST, "/ledger/api/x").send().await.status, StatusCode::OK);
    }
    assert_eq!(world.peer.validations.load(Ordering::Relaxed), 0);
    assert_eq!(world.peer.exchanges.lock().unwrap().len(), 1, "the sign-in itself");
}

#[tokio::test]
async fn each_user_has_limits_of_his_own_and_is_told_when_to_come_back() {
    let backends = vec![("ledger", serve(echo()).await)];
    let world = World::with(Plan { backends, rate_limit_scale: Some(0.002), ..Plan::default() }).await;
    for _ in 0..2 {
        assert_eq!(world.call(Method::GET, "/ledger/api/x", Technician).send().await.status, StatusCode::OK);
    }
    let refused = world.call(Method::GET, "/ledger/api/x", Technician).send().await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    let page = world.call(Method::GET, "/ledger/", Technician).header("accept", HTML).send().await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(
        page.text().contains("id=\"side-panel\"") && !page.text().contains("retry.js"),
        "{}",
        page.text()
    );
    assert_eq!(world.call(Method::GET, "/ledger/api/x", Admin).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_event_stream_may_be_silent_and_another_answer_may_not() {
    for (content_type, survives) in [("text/event-stream", true), ("application/octet-stream", false)] {
        let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let receiver = Arc::new(Mutex::new(Some(receiver)));
        let app = Router::new().fallback(any(move || async move {
            let receiver = receiver.lock().unwrap().take().unwrap();
            ([(header::CONTENT_TYPE, content_type)], Body::from_stream(ReceiverStream::new(receiver)))
        }));
        let plan = Plan {
            backends: vec![("ledger", serve(app).await)],
            arguments: vec!["--backend-timeout-seconds=2".into()],
            ..Plan::default()
        };
        let world = World::with(plan).await;
        let request = Request::builder()
            .uri("/ledger/api/events")
            .header("host", "gw.test")
            .header("authorization", format!("Bearer {}", world.identity.user_token(Technician)))
            .body(Body::empty())
            .unwrap();
        let mut body = world.gateway.router().oneshot(request).await.unwrap().into_body();
        sender.send(Ok("data: 1\n\n".into())).await.unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 1\n\n");
        let next = tokio::spawn(async move { body.frame().await });
        // Nothing is under way, so the paused clock runs ahead.
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(10)).await;
        tokio::time::resume();
        if survives {
            sender.send(Ok("data: 2\n\n".into())).await.unwrap();
        }
        let next = next.await.unwrap().unwrap();
        assert_eq!(next.is_ok(), survives, "{content_type}");
    }
}

#[tokio::test]
async fn a_provider_that_never_answers_does_not_hold_the_sign_in() {
    let silent = Router::new().fallback(post(|| async {
        std::future::pending::<()>().await;
        "never"
    }));
    let arguments = vec![format!("--keycloak-backend-url={}", serve(silent).await)];
    let world = World::with(Plan { arguments, ..Plan::default() }).await;
    let mut browser = world.browser();
    let begun = browser.begin("/login").await;
    tokio::time::pause();
    let answer = browser.finish(&begun, "ok").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text().contains("Authentication service temporarily unavailable"), "{}", answer.text());
}

#[tokio::test]
async fn health_asks_core_and_the_realm_and_degraded_is_not_down() {
    for (realm, status, word) in
        [(StatusCode::OK, StatusCode::OK, "healthy"), (StatusCode::NOT_FOUND, StatusCode::OK, "degraded")]
    {
        let discovery = "/realms/hivematrix/.well-known/openid-configuration";
        let provider = Router::new().route(discovery, get(move || async move { realm }));
        let arguments = vec![format!("--keycloak-backend-url={}", serve(provider).await)];
        let world = World::with(Plan { arguments, ..Plan::default() }).await;
        let answer = world.get("/health").send().await;
        let health = answer.json();
        assert_eq!((answer.status, health["service"].as_str()), (status, Some("nexus")), "{health}");
        let dependencies = &health["checks"]["dependencies"];
        assert_eq!(dependencies["core"]["status"], "healthy", "{health}");
        assert_eq!(dependencies["keycloak"]["status"], word, "{health}");
        assert!(health["timestamp"].as_str().unwrap().ends_with('Z'));
        for member in ["free_gb", "usage_percent"] {
            assert!(health["checks"]["disk"][member].is_number(), "{health}");
        }
    }
}
