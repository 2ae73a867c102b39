//! Core's own login, home page and logout (core.md §7.1 to §7.4, §12).

use hivematrix_shared::testing::TestResponse;
use sqlx::PgPool;
use url::Url;

use crate::support::{Browser, Core, ORIGIN, PASSWORD};

fn cookie(response: &TestResponse, name: &str) -> String {
    let mut all = response.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let found = all.rfind(|cookie| cookie.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
    assert!(found.ends_with("HttpOnly; Secure; SameSite=Lax"), "{found}");
    found.split(';').next().unwrap().to_owned()
}

/// Goes through `/login`, the realm and `/auth`; returns the last answer.
async fn log_in(core: &Core, next: &str) -> TestResponse {
    let start = core.client.get(&format!("/login?next={next}")).header("host", host(core)).send().await;
    assert_eq!(start.status, 302);
    let target = Url::parse(start.header("location")).unwrap();
    assert!(
        target
            .as_str()
            .starts_with(&format!("{ORIGIN}/keycloak/realms/hivematrix/protocol/openid-connect/auth?"))
    );
    let browser = Browser::new(core);
    let form = browser.get(&format!("{}?{}", target.path(), target.query().unwrap())).await;
    let back = browser.submit(&form, &[("username", "tech"), ("password", PASSWORD)]).await.location();
    assert_eq!(back.path(), "/auth");
    core.client
        .get(&format!("/auth?{}", back.query().unwrap()))
        .header("host", host(core))
        .header("cookie", &cookie(&start, "__Host-core-login"))
        .send()
        .await
}

fn host(core: &Core) -> &str {
    core.url.trim_start_matches("http://")
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_login_ends_at_the_wanted_path_without_a_token_in_the_address(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let done = log_in(&core, "/api/sessions%3Fx%3D1").await;
    assert_eq!(
        (done.status.as_u16(), done.header("location")),
        (302, "/api/sessions?x=1"),
        "{}",
        done.text()
    );
    let session = cookie(&done, "__Host-core-session");
    let home = core.client.get("/").header("cookie", &session).send().await;
    assert!(home.text().contains("tech@hivematrix.local"));
    assert_eq!(home.header("cache-control"), "no-cache, no-store, must-revalidate");

    let elsewhere = log_in(&core, "https://evil.example/").await;
    assert_eq!(elsewhere.header("location"), format!("{ORIGIN}/beacon/"), "no way out, so the start page");
    assert_eq!(core.state.sessions.list().await.unwrap().len(), 2);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn logout_asks_then_ends_the_session_and_goes_on_to_the_realms_logout(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let session = cookie(&log_in(&core, "/").await, "__Host-core-session");
    let asked = core
        .client
        .get("/logout?redirect=https%3A%2F%2Fevil.example")
        .header("cookie", &session)
        .send()
        .await;
    assert_eq!(asked.status, 200);
    assert!(!asked.text().contains("evil.example"));
    assert_eq!(core.state.sessions.list().await.unwrap().len(), 1, "a get changes nothing");
    let post = |site: &str| {
        core.client
            .post("/logout")
            .form(&[("redirect", "/")])
            .header("host", host(&core))
            .header("cookie", &session)
            .header("sec-fetch-site", site)
    };
    assert_eq!(post("cross-site").send().await.status, 403);
    let done = post("same-origin").send().await;
    assert_eq!(done.status, 302);
    let target = Url::parse(done.header("location")).unwrap();
    assert!(target.path().ends_with("/protocol/openid-connect/logout"));
    assert!(target.query_pairs().any(|(name, _)| name == "id_token_hint"));
    assert!(core.state.sessions.list().await.unwrap().is_empty());
    let again = core.client.get("/logout?redirect=https%3A%2F%2Fevil.example").send().await;
    assert_eq!(again.header("location"), "/");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_callback_that_was_not_asked_for_is_refused_without_a_loop(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let start = core.client.get("/login").send().await;
    let login = cookie(&start, "__Host-core-login");
    let state = Url::parse(start.header("location")).unwrap();
    let state = state.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    for (query, cookie) in [
        ("code=x&state=y".to_owned(), None),
        ("code=x&state=y".to_owned(), Some(&login)),
        ("code=x".to_owned(), Some(&login)),
        (format!("error=access_denied&state={state}"), Some(&login)),
        (format!("state={state}"), Some(&login)),
        (format!("code=unknown&state={state}"), Some(&login)),
    ] {
        let mut request = core.client.get(&format!("/auth?{query}"));
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let answer = request.send().await;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{query}: {}", answer.status);
        let mut request = core.client.get(&format!("/auth?{query}")).header("accept", "text/html");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let page = request.send().await.text();
        assert!(page.contains("href=\"/login") && page.contains("Try again"), "{query}: {page}");
        assert!(answer.json()["detail"].as_str().unwrap().contains("Start again at /login."), "{query}");
    }
    assert!(core.state.sessions.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_home_page_answers_200_whatever_is_away_and_login_says_that_the_provider_is() {
    let core = Core::plain().await;
    let home = core.client.get("/").send().await;
    assert_eq!(home.status, 200);
    assert!(home.text().contains("Home - HiveMatrix"));
    assert_eq!(core.client.get("/login").send().await.status, 502);
}
