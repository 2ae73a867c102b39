//! Sign-in (nexus.md §4.3).

use axum::{Json, Router, routing::get};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::support::{HTML, ORIGIN, Plan, World, authorization_query, dead_address, echo, serve};

#[tokio::test]
async fn the_browser_is_sent_to_the_realm_with_state_nonce_and_pkce() {
    let world = World::new().await;
    let mut browser = world.browser();
    let answer = browser.open("/login?next=/ledger/").await;
    assert_eq!(answer.status, StatusCode::FOUND);
    let query = authorization_query(&answer);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "core-client"),
        ("redirect_uri", "https://gw.test/keycloak-callback"),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(query[name], value);
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(query[name].len(), 43, "{name}");
    }
    assert!(!query.contains_key("prompt"));
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-login-") && cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains(&query["state"]) && !cookie.contains(&query["nonce"]));
    assert_eq!(answer.header("cache-control"), "no-store");
    let again = world.browser().open("/login").await;
    assert_ne!(authorization_query(&again)["state"], query["state"]);
}

#[tokio::test]
async fn a_completed_sign_in_gives_a_session_and_leads_to_the_page_that_was_wanted() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("/login?next=/ledger/plans?a=1%26b=https://x.example/").await;
    let answer = browser.finish(&begun, "ok").await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    assert_eq!(answer.header("location"), "/ledger/plans?a=1&b=https://x.example/");
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["__Host-session"], "the sign-in cookie is gone");
    let page = browser.open("/ledger/plans").await;
    assert_eq!(page.json()["headers"]["authorization"].as_array().unwrap().len(), 1);
    let exchanged = &world.peer.exchanges.lock().unwrap()[0];
    assert_eq!(exchanged["authorization"], "Bearer access");
    assert_eq!(exchanged["x-forwarded-host"], "gw.test");
    assert_eq!(exchanged["x-forwarded-for"], "127.0.0.1");
    assert!(!exchanged.contains_key("x-forwarded-prefix"), "Core would take it for a request from outside");
}

#[tokio::test]
async fn next_never_leads_away() {
    let world = World::new().await;
    for (next, expected) in [
        ("//evil.example/", "/"),
        ("%2F%2Fevil.example/", "/"),
        ("/%2Fevil.example/", "/"),
        ("/%09/evil.example/", "/"),
        ("/%0D%0A/evil.example/", "/"),
        ("/%5Cevil.example", "/"),
        ("%5C%5Cevil.example", "/"),
        ("/..//evil.example/", "/"),
        ("https:evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a%0D%0ASet-Cookie:%20x=y", "/aSet-Cookie:%20x=y"),
        ("https://evil.example/", "/"),
        ("/a?b=1", "/a?b=1"),
    ] {
        let mut browser = world.browser();
        let begun = browser.begin(&format!("/login?next={next}")).await;
        let answer = browser.finish(&begun, "ok").await;
        assert_eq!(answer.header("location"), expected, "{next}");
    }
}

#[tokio::test]
async fn state_counts_once_and_only_in_the_browser_that_began() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("/login").await;
    let state = authorization_query(&begun)["state"].clone();
    let kept = browser.cookies.clone();

    let other = world.browser().open(&format!("/keycloak-callback?code=ok&state={state}")).await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED, "another browser");
    for path in [
        "/keycloak-callback?code=ok",
        "/keycloak-callback?code=ok&state=",
        "/keycloak-callback?code=ok&state=zzz",
    ] {
        assert_eq!(browser.open(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(browser.finish(&begun, "ok").await.status, StatusCode::FOUND);
    browser.cookies = kept;
    let replayed = browser.finish(&begun, "ok").await;
    assert_eq!(replayed.status, StatusCode::UNAUTHORIZED, "a second time");
    assert!(replayed.text().contains("Invalid state parameter"));
    assert!(
        replayed
            .headers
            .get_all("set-cookie")
            .iter()
            .all(|c| !c.to_str().unwrap().starts_with("__Host-session=1"))
    );
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_does_not_count() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("/login").await;
    world.clock.advance(chrono::TimeDelta::seconds(601));
    assert_eq!(browser.finish(&begun, "ok").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn two_sign_ins_in_two_tabs_both_count() {
    let world = World::new().await;
    let mut browser = world.browser();
    let first = browser.begin("/login?next=/a").await;
    let nonce = world.peer.nonce.lock().unwrap().clone();
    let challenge = world.peer.challenge.lock().unwrap().clone();
    let second = browser.begin("/login?next=/b").await;
    assert_eq!(browser.finish(&second, "ok").await.header("location"), "/b");
    *world.peer.nonce.lock().unwrap() = nonce;
    *world.peer.challenge.lock().unwrap() = challenge;
    assert_eq!(browser.finish(&first, "ok").await.header("location"), "/a");
}

#[tokio::test]
async fn the_id_token_must_be_for_this_sign_in_and_this_client() {
    for (claims, counts) in [
        (json!({}), true),
        (json!({"aud": ["core-client"]}), true),
        (json!({"aud": ["core-client", "other"], "azp": "core-client"}), true),
        (json!({"nonce": "other"}), false),
        (json!({"nonce": Value::Null}), false),
        (json!({"iss": "https://evil.example/realms/hivematrix"}), false),
        (json!({"aud": "other-client"}), false),
        (json!({"aud": ["core-client", "other"]}), false),
        (json!({"azp": "other"}), false),
        (json!({"exp": 1}), false),
    ] {
        let world = World::new().await;
        *world.peer.id_claims.lock().unwrap() = claims.clone();
        let mut browser = world.browser();
        let begun = browser.begin("/login").await;
        let answer = browser.finish(&begun, "ok").await;
        let expected = if counts { StatusCode::FOUND } else { StatusCode::BAD_GATEWAY };
        assert_eq!(answer.status, expected, "{claims}");
        assert_eq!(browser.cookies.contains_key("__Host-session"), counts, "{claims}");
        assert_eq!(world.peer.exchanges.lock().unwrap().is_empty(), !counts, "{claims}");
    }
}

#[tokio::test]
async fn what_the_identity_provider_says_is_never_shown() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("/login").await;
    let state = authorization_query(&begun)["state"].clone();
    let path =
        format!("/keycloak-callback?error=%3Cscript%3E&error_description=%3Cimg%20src=x%3E&state={state}");
    let answer = browser.open(&path).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let text = answer.text();
    assert!(
        !text.contains("<img") && !text.contains("&lt;img") && text.contains("reported an error"),
        "{text}"
    );
    assert!(!browser.cookies.contains_key("__Host-session"));
}

#[tokio::test]
async fn a_refused_code_and_a_missing_code_are_told_apart() {
    let world = World::new().await;
    for (query, status, text) in [
        ("code=bad", StatusCode::BAD_GATEWAY, "Authentication failed - please try again"),
        ("x=1", StatusCode::UNAUTHORIZED, "No authorization code received"),
        ("error=access_denied", StatusCode::UNAUTHORIZED, "The sign-in was cancelled."),
    ] {
        let mut browser = world.browser();
        let begun = browser.begin("/login").await;
        let state = authorization_query(&begun)["state"].clone();
        let answer = browser.open(&format!("/keycloak-callback?{query}&state={state}")).await;
        assert_eq!(answer.status, status, "{query}");
        assert!(answer.text().contains(text), "{query}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn pages_lead_to_the_sign_in_and_calls_get_401() {
    let world = World::new().await;
    let page = world.open("/ledger/plans?a=1&b=2").send().await;
    assert_eq!(page.status, StatusCode::FOUND);
    assert_eq!(page.header("location"), "/login?next=/ledger/plans%3Fa%3D1%26b%3D2");
    assert_eq!(page.header("cache-control"), "no-store");
    for request in [
        world.get("/ledger/plans"),
        world.open("/ledger/api/plans"),
        world.open("/ledger/plans").header("x-requested-with", "XMLHttpRequest"),
        world.request(http::Method::POST, "/ledger/plans").header("accept", "text/html"),
        world.get("/nope/"),
    ] {
        let answer = request.send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["type"], "https://httpstatuses.com/401");
    }
}

#[tokio::test]
async fn the_sign_in_begins_at_a_public_origin() {
    let world = World::new().await;
    let local = world.client.get("/login?next=/a").header("host", "127.0.0.1:8443").send().await;
    assert_eq!(local.header("location"), format!("{ORIGIN}/login?next=/a"));
    let foreign = world.client.get("/login").header("host", "evil.example").send().await;
    assert_eq!(foreign.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!foreign.text().contains("evil"));
}

#[tokio::test]
async fn one_of_several_cores_is_enough_to_sign_in() {
    let plan = Plan {
        backends: vec![("ledger", serve(echo()).await)],
        other_core: Some(dead_address().await),
        ..Plan::default()
    };
    let world = World::with(plan).await;
    for _ in 0..3 {
        let mut browser = world.sign_in().await;
        assert_eq!(browser.open("/ledger/").await.status, StatusCode::OK);
        let account = browser.open("/keycloak/realms/hivematrix/account").await;
        assert_eq!(account.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_sign_in_begins_where_the_providers_pages_are() {
    // The provider names one address to all but a third host, which it says nothing to.
    let discovery = get(async |headers: HeaderMap| {
        let place = format!("{ORIGIN}/keycloak/realms/hivematrix/protocol/openid-connect/auth");
        let known = headers["x-forwarded-host"] != "third.test";
        known.then(|| Json(json!({ "authorization_endpoint": place }))).ok_or(StatusCode::BAD_GATEWAY)
    });
    let provider = Router::new().route("/realms/hivematrix/.well-known/openid-configuration", discovery);
    let origins = format!("{ORIGIN},https://other.test,https://third.test");
    let backend = serve(provider).await;
    let arguments = ["--service-url", &origins, "--keycloak-backend-url", &backend].map(str::to_owned);
    let world = World::with(Plan { arguments: arguments.to_vec(), ..Plan::default() }).await;
    let path = "/login?next=/ledger/%3Fa=1";
    let form = "/keycloak/realms/hivematrix/protocol/openid-connect/auth?";
    for (host, expected) in [
        ("other.test", format!("{ORIGIN}{path}")),
        ("third.test", format!("https://third.test{form}")),
        ("gw.test", format!("{ORIGIN}{form}")),
    ] {
        let answer = world.client.get(path).header("host", host).header("accept", HTML).send().await;
        let location = answer.header("location");
        assert!(answer.status == StatusCode::FOUND && location.starts_with(&expected), "{host}: {location}");
        assert_eq!(answer.header("cache-control"), "no-store", "{host}");
    }
}
