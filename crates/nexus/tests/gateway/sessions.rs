//! Sessions, bearer tokens and the end of both (nexus.md §3, §4.1, §4.2, §4.4).

use axum::{Router, response::Html, routing::any};
use chrono::TimeDelta;
use hivematrix_shared::auth::PermissionLevel;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{ORIGIN, Plan, World, authorization_query, echo, serve};

const SESSION: &str = "__Host-session";

#[tokio::test]
async fn the_cookie_is_secure_and_shows_nothing() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("/login").await;
    let answer = browser.finish(&begun, "ok").await;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    let session = cookies.iter().find(|c| c.starts_with("__Host-session=")).unwrap();
    assert!(session.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{session}");
    assert!(!session.contains("eyJ"), "no readable JWT: {session}");
}

#[tokio::test]
async fn a_session_is_not_written_again_by_every_request() {
    let world = World::new().await;
    let mut browser = world.sign_in().await;
    let answer = browser.open("/ledger/").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.headers.contains_key("set-cookie") && answer.header("vary") != "Cookie");
}

#[tokio::test]
async fn a_changed_cookie_does_not_count_and_is_removed() {
    let world = World::new().await;
    let browser = world.sign_in().await;
    let good = browser.cookies[SESSION].clone();
    let (head, tail) = good.split_at(good.len() / 2);
    let flipped = format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..]);
    for forged in [
        flipped,
        good[..good.len() - 1].to_owned(),
        "abc.def.ghi".into(),
        "1.c".into(),
        "1.rxyz".into(),
        "1.x".into(),
    ] {
        let answer = world.open("/ledger/").header("cookie", &format!("{SESSION}={forged}")).send().await;
        assert_eq!(answer.status, StatusCode::FOUND, "{forged}");
        assert!(answer.header("set-cookie").starts_with("__Host-session=; Expires="), "{forged}");
    }
    assert_eq!(
        world.open("/ledger/").header("cookie", &format!("{SESSION}={good}")).send().await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn another_gateway_with_the_same_secret_knows_the_session() {
    let world = World::new().await;
    let browser = world.sign_in().await;
    let second = World::new().await;
    let cookie = browser.cookie_header();
    assert_eq!(second.open("/ledger/").header("cookie", &cookie).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_revoked_or_expired_session_ends() {
    let world = World::new().await;
    let browser = world.sign_in().await;
    let cookie = browser.cookie_header();
    let open = || async { world.open("/ledger/").header("cookie", &cookie).send().await };
    assert_eq!(open().await.status, StatusCode::OK);
    let jti = format!("session-{}", world.clock.unix());
    world.revocations.insert(jti, world.clock.unix() + 3600);
    let ended = open().await;
    assert_eq!(ended.status, StatusCode::FOUND);
    assert!(ended.header("set-cookie").contains("Max-Age=0"));

    let world = World::new().await;
    let browser = world.sign_in().await;
    world.clock.advance(TimeDelta::seconds(3600));
    assert_eq!(browser.request(Method::GET, "/ledger/api/x").send().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_user_token_from_outside_counts_and_others_do_not() {
    let world = World::new().await;
    let mut offline = world.identity.user(PermissionLevel::Admin);
    offline.jti = None;
    let mut old = world.identity.user(PermissionLevel::Admin);
    old.exp = world.clock.unix();
    let good = world.identity.user_token(PermissionLevel::Technician);
    for (token, status) in [
        (good.clone(), StatusCode::OK),
        (world.identity.service_token("beacon", "nexus"), StatusCode::UNAUTHORIZED),
        (world.identity.service_token("beacon", "ledger"), StatusCode::UNAUTHORIZED),
        (world.identity.sign(&offline), StatusCode::UNAUTHORIZED),
        (world.identity.sign(&old), StatusCode::UNAUTHORIZED),
        (format!("{good}x"), StatusCode::UNAUTHORIZED),
        ("eyJhbGciOiJub25lIn0.e30.".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        for _ in 0..2 {
            let answer = world.get("/ledger/api/x").bearer(&token).send().await;
            assert_eq!(answer.status, status, "{token}");
        }
    }
    let refused = world.open("/ledger/").bearer("nonsense").send().await;
    assert_eq!(
        refused.status,
        StatusCode::UNAUTHORIZED,
        "a client with a token is not sent to a sign-in page"
    );
    world.revocations.insert("session-technician", world.clock.unix() + 3600);
    assert_eq!(world.get("/ledger/api/x").bearer(&good).send().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_out_from_our_page_ends_everything() {
    let world = World::new().await;
    let mut browser = world.sign_in().await;
    let cookie = browser.cookie_header();
    let answer = browser.request(Method::GET, "/logout").header("accept", crate::support::HTML).send().await;
    browser.keep(&answer);
    assert_eq!(answer.status, StatusCode::FOUND);
    let location = answer.header("location");
    assert!(
        location.starts_with(&format!(
            "{ORIGIN}/keycloak/realms/hivematrix/protocol/openid-connect/logout?id_token_hint=eyJ"
        )),
        "{location}"
    );
    assert!(
        location.contains("client_id=core-client")
            && location.contains("post_logout_redirect_uri=https%3A%2F%2Fgw.test%2F")
    );
    assert!(answer.header("cache-control").contains("no-store"));
    assert!(answer.header("clear-site-data").contains("\"cache\", \"storage\""));
    assert!(browser.cookies.is_empty());
    assert_eq!(world.peer.revoked.lock().unwrap().len(), 1);
    // The realm's answer that leads back here clears the rest.
    let path = location.strip_prefix(ORIGIN).unwrap();
    let ended = world.open(path).send().await;
    assert_eq!((ended.status, ended.header("location")), (StatusCode::FOUND, "https://gw.test/"));
    assert_eq!(ended.header("clear-site-data"), "\"cache\", \"cookies\", \"storage\"");
    // Core publishes the revocation; the old cookie is worthless.
    world.revocations.insert(format!("session-{}", world.clock.unix()), world.clock.unix() + 3600);
    assert_eq!(world.open("/ledger/").header("cookie", &cookie).send().await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn the_look_outlives_the_cookies_that_a_sign_out_takes() {
    let world = World::new().await;
    let end = "/keycloak/realms/hivematrix/protocol/openid-connect/logout";
    let ended = world.open(end).header("cookie", "__Host-look=dark.bee").send().await;
    assert_eq!(ended.header("location"), "/?look=dark.bee");
    let mut browser = world.browser();
    let home = browser.open("/?look=dark.bee").await;
    assert_eq!((home.status, home.header("location")), (StatusCode::FOUND, "/"));
    assert_eq!(browser.cookies["__Host-look"], "dark.bee");
    for bad in ["/?look=pink.bee", "/?look=%22%3E%3Cscript%3E", "/?look="] {
        let home = world.open(bad).send().await;
        assert!(!home.headers.contains_key("set-cookie"), "{bad}");
        assert!(home.header("location").starts_with("/login?next=/"), "{bad}: {}", home.header("location"));
    }
}

#[tokio::test]
async fn another_site_cannot_sign_anyone_out() {
    let world = World::new().await;
    let browser = world.sign_in().await;
    for site in ["cross-site", "same-site", "none"] {
        let request = browser.with_cookies(world.open("/logout")).header("sec-fetch-site", site);
        let answer = request.send().await;
        assert_eq!(answer.status, StatusCode::OK, "{site}");
        assert!(answer.text().contains("<form method=\"post\" action=\"/logout\">"), "{site}: it asks");
    }
    let post =
        browser.with_cookies(world.request(Method::POST, "/logout")).header("sec-fetch-site", "cross-site");
    assert_eq!(post.send().await.status, StatusCode::FORBIDDEN);
    assert!(world.peer.revoked.lock().unwrap().is_empty());
    let confirmed = browser.request(Method::POST, "/logout").header("origin", ORIGIN).send().await;
    assert_eq!(confirmed.status, StatusCode::FOUND);
    assert_eq!(world.peer.revoked.lock().unwrap().len(), 1);
}

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

#[tokio::test]
async fn a_long_session_travels_in_chunks_and_leaves_none_behind() {
    let world = World::new().await;
    *world.peer.id_claims.lock().unwrap() =
        serde_json::json!({"groups": vec!["a group with a rather long name"; 200]});
    let mut browser = world.sign_in().await;
    assert!(browser.cookies.len() > 2, "{:?}", browser.cookies.keys());
    assert_eq!(browser.open("/ledger/").await.status, StatusCode::OK);
    let mut missing = browser.cookies.clone();
    missing.remove("__Host-session-1");
    let cookie = missing.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ");
    assert_eq!(world.open("/ledger/").header("cookie", &cookie).send().await.status, StatusCode::FOUND);
    let answer = browser.request(Method::POST, "/logout").send().await;
    browser.keep(&answer);
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies.keys());
}

#[tokio::test]
async fn with_redis_the_cookie_holds_only_an_id_and_the_store_nothing_readable() {
    // scripts/test.sh starts a server and names it here.
    let Ok(redis) = std::env::var("TEST_REDIS_URL") else {
        eprintln!("TEST_REDIS_URL is not set: nothing tested");
        return;
    };
    let plan = |ledger: String| Plan {
        backends: vec![("ledger", ledger)],
        arguments: vec!["--redis-url".to_owned(), redis.clone()],
        ..Plan::default()
    };
    let world = World::with(plan(serve(echo()).await)).await;
    let mut browser = world.sign_in().await;
    let value = browser.cookies[SESSION].clone();
    assert!(value.starts_with("1.r") && value.len() < 60, "{value}");
    let second = World::with(plan(serve(echo()).await)).await;
    assert_eq!(
        second.open("/ledger/").header("cookie", &browser.cookie_header()).send().await.status,
        StatusCode::OK
    );
    let cookie = browser.cookie_header();
    let answer = browser.request(Method::POST, "/logout").send().await;
    browser.keep(&answer);
    let third = World::with(plan(serve(echo()).await)).await;
    assert_eq!(
        third.open("/ledger/").header("cookie", &cookie).send().await.status,
        StatusCode::FOUND,
        "removed"
    );
}
