//! Peers that are away or slow (nexus.md §4.2, §8.4).

use std::sync::atomic::Ordering;

use axum::{Router, body::Body, routing::any};
use chrono::TimeDelta;
use hivematrix_shared::{
    auth::{PermissionLevel::Technician, RevocationFeed},
    config::Secret,
    registry::{Registry, RegistryHandle},
    service_client::ServiceClient,
    testing::{TestRequest, settings},
};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{HTML, Plan, World, authorization_query, dead_address, echo, serve};

#[tokio::test]
async fn a_service_that_is_away_is_named_and_the_rest_goes_on() {
    let backends = vec![("ledger", dead_address().await), ("beacon", serve(echo()).await)];
    let world = World::with(Plan { backends, ..Plan::default() }).await;
    let call = world.call(Method::GET, "/ledger/api/x", Technician).send().await;
    assert_eq!(call.status, StatusCode::BAD_GATEWAY);
    assert_eq!(call.header("content-type"), "application/problem+json");
    let detail = call.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("Service temporarily unavailable") && detail.contains("Ledger"), "{detail}");
    assert!(!call.text().contains("127.0.0.1"), "no inner addresses: {}", call.text());
    let mut browser = world.sign_in().await;
    let page = browser.open("/ledger/").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (StatusCode::BAD_GATEWAY, "text/html; charset=utf-8")
    );
    let text = page.text();
    assert!(text.contains("Ledger cannot be reached") && text.contains("id=\"side-panel\""), "{text}");
    assert!(text.contains(page.header("x-correlation-id")), "the correlation id is on the page");
    assert_eq!(browser.open("/beacon/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_waits_for_a_service_that_restarts_and_nothing_is_sent_twice() {
    let world =
        World::with(Plan { backends: vec![("ledger", dead_address().await)], ..Plan::default() }).await;
    let browser = world.sign_in().await;
    let form = |request: TestRequest| request.header("accept", HTML).header("sec-fetch-mode", "navigate");
    for (method, path, page, waits) in [
        (Method::GET, "/ledger/plans?year=2026&month=1", true, true),
        (Method::GET, "/ledger/api/plans", false, false),
        (Method::POST, "/ledger/plans", true, false),
        (Method::POST, "/ledger/api/plans", false, false),
        (Method::DELETE, "/ledger/api/plans/1", false, false),
    ] {
        let answer = form(browser.request(method.clone(), path)).send().await;
        let (case, text) = (format!("{method} {path}"), answer.text());
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::BAD_GATEWAY, "5"), "{case}");
        assert_eq!(answer.header("content-type").starts_with("text/html"), page, "{case}");
        assert!(text.contains("Ledger cannot be reached"), "{case}: {text}");
        assert_eq!(text.contains("id=\"side-panel\""), page, "{case}: {text}");
        assert_eq!(text.contains("/static/js/retry.js"), waits, "{case}: {text}");
        assert_eq!(text.contains("http-equiv=\"refresh\""), waits, "{case}: without scripts too");
        let changes = method != Method::GET;
        assert_eq!(text.contains("not sent again by itself"), changes, "{case}: {text}");
        if !page {
            assert_eq!(
                (&answer.json()["status"], &answer.json()["retry_after"]),
                (&json!(502), &json!(5)),
                "{case}"
            );
        }
    }
    let page = browser.with_cookies(world.open("/ledger/plans?year=2026&month=1")).send().await;
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.text().contains("href=\"/ledger/plans?year=2026&#38;month=1\""), "{}", page.text());
    assert!(page.text().contains("data-retry-after=\"5\" nonce=\""), "{}", page.text());
}

#[tokio::test]
async fn a_page_of_a_service_that_is_not_ready_yet_waits_as_well() {
    let app = Router::new().fallback(any(|| async {
        let page = axum::response::Html("<html><head></head><body>The database is away.</body></html>");
        (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7")], page)
    }));
    let world = World::in_front_of(app).await;
    let browser = world.sign_in().await;
    for (request, waits) in [
        (world.open("/ledger/"), true),
        (world.request(Method::POST, "/ledger/").header("sec-fetch-site", "same-origin"), false),
    ] {
        let page = browser.with_cookies(request).send().await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.text().contains("The database is away.") && page.text().contains("side-panel"));
        assert_eq!(page.text().contains("data-retry-after=\"7\""), waits, "{}", page.text());
    }
}

#[tokio::test]
async fn a_silent_service_is_given_up_after_the_limit() {
    let app = Router::new().fallback(any(|| async {
        std::future::pending::<()>().await;
        "never"
    }));
    let plan = Plan {
        backends: vec![("ledger", serve(app).await)],
        arguments: vec!["--backend-timeout-seconds=1".into()],
        ..Plan::default()
    };
    let world = World::with(plan).await;
    let answer = world.call(Method::GET, "/ledger/api/x", Technician).send().await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn without_core_old_tokens_get_503_and_keep_their_session() {
    let plan = Plan { backends: vec![("ledger", serve(echo()).await)], following: true, ..Plan::default() };
    let world = World::with(plan).await;
    let mut browser = world.sign_in().await;
    world.clock.advance(TimeDelta::seconds(200));
    assert_eq!(browser.open("/ledger/").await.status, StatusCode::OK, "young enough");
    world.clock.advance(TimeDelta::seconds(200));
    let page = browser.open("/ledger/").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text().contains("You stay signed in"));
    assert!(!page.headers.contains_key("set-cookie") && page.headers.contains_key("retry-after"));
    let call = browser.request(Method::GET, "/ledger/api/x").send().await;
    assert_eq!(
        (call.status, call.header("content-type")),
        (StatusCode::SERVICE_UNAVAILABLE, "application/problem+json")
    );
    world.revocations.heard(&world.clock);
    assert_eq!(browser.open("/ledger/").await.status, StatusCode::OK, "Core is back, the session lives");
}

#[tokio::test]
async fn a_core_without_a_feed_is_asked_and_its_answer_remembered_for_a_moment() {
    let plan = Plan { backends: vec![("ledger", serve(echo()).await)], following: true, ..Plan::default() };
    let world = World::with(plan).await;
    let mut common = settings("nexus");
    common.service_secret = Secret::new("s");
    common.core_url = Some(no_feed(&world).await);
    let services = ServiceClient::new(&common, RegistryHandle::of(Registry::default())).unwrap();
    let stop = CancellationToken::new();
    let feed = RevocationFeed::new(services, world.revocations.clone(), world.clock.clone());
    let running = tokio::spawn(feed.run(stop.clone()));
    while !world.revocations.is_unsupported() {
        tokio::task::yield_now().await;
    }
    let mut browser = world.sign_in().await;
    let after_sign_in = world.peer.validations.load(Ordering::Relaxed);
    assert_eq!(after_sign_in, 1);
    for _ in 0..5 {
        assert_eq!(browser.open("/ledger/").await.status, StatusCode::OK);
    }
    assert_eq!(world.peer.validations.load(Ordering::Relaxed), after_sign_in, "remembered");
    world.peer.session_ended.store(true, Ordering::Relaxed);
    world.clock.advance(TimeDelta::seconds(2));
    assert_eq!(browser.open("/ledger/").await.status, StatusCode::FOUND, "Core says it has ended");
    stop.cancel();
    running.await.unwrap();
}

/// Core's service tokens, but no feed, as upstream has it.
async fn no_feed(world: &World) -> String {
    let token = world.identity.service_token("nexus", "core");
    let answer = move || {
        let token = token.clone();
        async move { axum::Json(json!({"token": token})) }
    };
    serve(Router::new().route("/service-token", axum::routing::post(answer))).await
}

#[tokio::test]
async fn a_realm_that_is_away_is_explained_and_never_strands_a_renewal() {
    let dead = dead_address().await;
    let plan = Plan {
        backends: vec![("ledger", serve(echo()).await)],
        arguments: vec![format!("--keycloak-backend-url={dead}")],
        ..Plan::default()
    };
    let world = World::with(plan).await;
    let page = world.open("/keycloak/realms/hivematrix/protocol/openid-connect/auth?state=x").send().await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.text().contains("The sign-in service cannot be reached"), "{}", page.text());
    let silent = world
        .open("/keycloak/realms/hivematrix/protocol/openid-connect/auth?state=x%26y&prompt=none")
        .send()
        .await;
    assert_eq!(silent.status, StatusCode::FOUND);
    assert_eq!(silent.header("location"), "/keycloak-callback?error=temporarily_unavailable&state=x%26y");

    let mut browser = world.browser();
    let begun = browser.begin("/login").await;
    assert!(authorization_query(&begun).contains_key("state"));
    let answer = browser.finish(&begun, "ok").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text().contains("Authentication service temporarily unavailable"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_not_completed() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(1);
    let receiver = std::sync::Arc::new(tokio::sync::Mutex::new(Some(receiver)));
    let app = Router::new().fallback(any(move || async move {
        let receiver = receiver.lock().await.take().unwrap();
        Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver))
    }));
    let world = World::in_front_of(app).await;
    let request = axum::extract::Request::builder()
        .uri("/ledger/x")
        .header("host", "gw.test")
        .header("accept", HTML)
        .header("authorization", format!("Bearer {}", world.identity.user_token(Technician)))
        .body(Body::empty())
        .unwrap();
    let response = tower::ServiceExt::oneshot(world.gateway.router(), request).await.unwrap();
    let mut body = response.into_body();
    sender.send(Ok("half".into())).await.unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
    sender.send(Err(std::io::Error::other("gone"))).await.unwrap();
    assert!(body.frame().await.unwrap().is_err());
}
