//! Sessions that go on: renewed by pages that are opened and by pages that stay open (nexus.md weak point 11).

use axum::{Router, response::Html, routing::any};
use chrono::TimeDelta;
use hivematrix_shared::auth::PermissionLevel;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{World, authorization_query};

const SESSION: &str = "__Host-session";

#[tokio::test]
async fn the_last_minutes_of_a_session_are_renewed_without_asking() {
    let world = World::new().await;
    let mut browser = world.sign_in().await;
    world.clock.advance(TimeDelta::seconds(3299));
    assert_eq!(browser.open("/ledger/a").await.status, StatusCode::OK, "not yet");
    world.clock.advance(TimeDelta::seconds(1));
    let call = browser.request(Method::GET, "/ledger/api/a").send().await;
    assert_eq!(call.status, StatusCode::OK, "calls go on");
    let before = browser.cookies[SESSION].clone();
    let begun = browser.begin("/ledger/a?b=c").await;
    assert_eq!(authorization_query(&begun)["prompt"], "none");
    let answer = browser.finish(&begun, "ok").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "/ledger/a?b=c"));
    assert_ne!(browser.cookies[SESSION], before);
    world.clock.advance(TimeDelta::seconds(3000));
    assert_eq!(browser.open("/ledger/a").await.status, StatusCode::OK, "another hour began");
}

#[tokio::test]
async fn a_renewal_that_fails_keeps_the_session_and_is_not_repeated() {
    for failure in ["error=login_required", "code=bad"] {
        let world = World::new().await;
        let mut browser = world.sign_in().await;
        world.clock.advance(TimeDelta::seconds(3400));
        let begun = browser.begin("/ledger/a").await;
        let state = authorization_query(&begun)["state"].clone();
        let answer = browser.open(&format!("/keycloak-callback?{failure}&state={state}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "/ledger/a"), "{failure}");
        assert_eq!(
            browser.open("/ledger/a").await.status,
            StatusCode::OK,
            "{failure}: the old session goes on"
        );
        world.clock.advance(TimeDelta::seconds(200));
        let over = browser.open("/ledger/a").await;
        assert!(over.header("location").starts_with("/login?next="), "{failure}");
    }
}

#[tokio::test]
async fn a_page_that_stays_open_renews_its_session_without_being_left() {
    let page = Router::new().fallback(any(|| async { Html("<html><head></head><body>x</body></html>") }));
    let world = World::in_front_of(page).await;
    let mut browser = world.sign_in().await;
    let (state, renew) = ("/api/session", "/api/session/renew");
    world.clock.advance(TimeDelta::seconds(3299));
    let open = browser.open("/ledger/board").await.text();
    assert!(open.contains("data-expires-in=\"301\" data-renews-in=\"1\" nonce=\""), "{open}");
    let early = browser.request(Method::POST, renew).send().await;
    assert_eq!((early.status, early.json()), (StatusCode::OK, json!({"expires_in": 301, "renews_in": 1})));
    assert_eq!(early.header("cache-control"), "no-store");

    // A day of an open board: twenty-odd hours of polls, none of which is refused.
    world.clock.advance(TimeDelta::seconds(1));
    for hour in 0..24 {
        let before = browser.cookies[SESSION].clone();
        let begun = browser.request(Method::POST, renew).send().await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "hour {hour}");
        browser.keep(&begun);
        browser.tell_provider(&begun);
        assert_eq!(authorization_query(&begun)["prompt"], "none");
        let answer = browser.finish(&begun, "ok").await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, state), "hour {hour}");
        assert_ne!(browser.cookies[SESSION], before);
        let left = browser.request(Method::GET, state).send().await.json();
        assert_eq!(left, json!({"expires_in": 3600, "renews_in": 3300}), "hour {hour}");
        world.clock.advance(TimeDelta::seconds(3300));
        let poll = browser.request(Method::POST, "/ledger/api/rows").send().await;
        assert_eq!(poll.status, StatusCode::OK, "hour {hour}");
    }
}

#[tokio::test]
async fn only_a_page_of_ours_in_a_session_can_renew_it() {
    let world = World::new().await;
    let browser = world.sign_in().await;
    world.clock.advance(TimeDelta::seconds(3400));
    let renew = "/api/session/renew";
    let foreign =
        browser.with_cookies(world.request(Method::POST, renew)).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send().await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.request(Method::POST, renew).send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get("/api/session").send().await.status, StatusCode::UNAUTHORIZED);
    let bearer = world.call(Method::POST, renew, PermissionLevel::Technician).send().await;
    assert_eq!((bearer.status, &bearer.json()["renews_in"]), (StatusCode::OK, &json!(null)));
}

#[tokio::test]
async fn a_renewal_is_tried_again_when_the_provider_was_only_away() {
    let world = World::new().await;
    let mut browser = world.sign_in().await;
    world.clock.advance(TimeDelta::seconds(3300));
    let begun = browser.begin("/ledger/a").await;
    let state = authorization_query(&begun)["state"].clone();
    let path = format!("/keycloak-callback?error=temporarily_unavailable&state={state}");
    assert_eq!(browser.open(&path).await.header("location"), "/ledger/a");
    assert_eq!(browser.open("/ledger/a").await.status, StatusCode::OK, "no circle");
    let left = browser.request(Method::GET, "/api/session").send().await.json();
    assert_eq!(left, json!({"expires_in": 300, "renews_in": 60}));
    world.clock.advance(TimeDelta::seconds(60));
    let begun = browser.begin("/ledger/a").await;
    assert_eq!(browser.finish(&begun, "ok").await.header("location"), "/ledger/a");
    let left = browser.request(Method::GET, "/api/session").send().await.json();
    assert_eq!(left, json!({"expires_in": 3600, "renews_in": 3300}));
}

#[tokio::test]
async fn a_form_that_comes_too_late_is_told_that_nothing_was_changed() {
    let world = World::new().await;
    let browser = world.sign_in().await;
    world.clock.advance(TimeDelta::seconds(3600));
    let late = browser.request(Method::POST, "/ledger/plans").header("sec-fetch-mode", "navigate");
    let page = late.form(&[("name", "typed for an hour")]).send().await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (StatusCode::UNAUTHORIZED, "text/html; charset=utf-8")
    );
    assert!(page.text().contains("nothing was changed"), "{}", page.text());
    let call = browser.request(Method::POST, "/ledger/api/plans").send().await;
    assert_eq!(call.json()["detail"], "A valid token is required.");
}

#[tokio::test]
async fn a_renewal_never_changes_the_user() {
    let world = World::new().await;
    let mut browser = world.sign_in().await;
    world.clock.advance(TimeDelta::seconds(3400));
    *world.peer.sub.lock().unwrap() = Some("somebody-else".to_owned());
    let begun = browser.begin("/ledger/a").await;
    assert_eq!(browser.finish(&begun, "ok").await.status, StatusCode::FOUND);
    let page = browser.open("/ledger/a").await.json();
    let token = page["headers"]["authorization"][0].as_str().unwrap().to_owned();
    assert!(token.contains(&payload_of_sub("user-technician")), "still the old user");
}

/// The part of a JWT's payload that holds the subject, wherever its bytes fall.
fn payload_of_sub(sub: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let prefix = r#"{"iss":"hivematrix-core","sub":""#;
    let encoded = BASE64_URL_SAFE_NO_PAD.encode(format!("{prefix}{sub}"));
    encoded[..encoded.len() - 4].to_owned()
}
