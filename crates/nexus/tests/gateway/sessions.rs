//! Sessions, bearer tokens and the end of both (nexus.md §3, §4.1, §4.2, §4.4).

use chrono::TimeDelta;
use hivematrix_shared::auth::PermissionLevel;
use http::{Method, StatusCode};

use crate::support::{ORIGIN, Plan, World, echo, serve};

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
    // Nor clear what the browser keeps, where the session's cookie is withheld.
    let picture = world.get("/logout").header("sec-fetch-site", "cross-site").send().await;
    assert_eq!((picture.status, picture.header("location")), (StatusCode::FOUND, "/"));
    let end = "/keycloak/realms/hivematrix/protocol/openid-connect/logout";
    let foreign = [
        (Method::GET, "sec-fetch-site", "cross-site"),
        (Method::POST, "sec-fetch-site", "cross-site"),
        (Method::POST, "origin", "https://evil.example"),
    ];
    for (method, name, value) in foreign {
        let answer = world.request(method.clone(), end).header(name, value).send().await;
        assert!(!answer.headers.contains_key("clear-site-data"), "{method} {value}");
    }
    assert!(!picture.headers.contains_key("clear-site-data"));
    assert!(world.peer.revoked.lock().unwrap().is_empty());
    let confirmed = browser.request(Method::POST, "/logout").header("origin", ORIGIN).send().await;
    assert_eq!(confirmed.status, StatusCode::FOUND);
    assert_eq!(world.peer.revoked.lock().unwrap().len(), 1);
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
