//! Pages: the look, policies, errors (nexus.md §9, §11, §13, §14).

use std::sync::atomic::Ordering;

use axum::{Router, extract::Path, response::Html, routing::get};
use hivematrix_shared::{auth::PermissionLevel::Technician, testing::TestResponse};
use http::{Method, StatusCode, header};
use serde_json::json;

use crate::support::{HTML, Plan, World, dead_address, echo, serve};

const PAGE: &str =
    "<!doctype html><html><head><title>x</title></head><body><main>content</main></body></html>";

fn site() -> Router {
    Router::new()
        .route(
            "/{page}",
            get(|Path(page): Path<String>| async move {
                let content_type =
                    if page == "data" { "application/json" } else { "text/html; charset=utf-8" };
                ([(header::CONTENT_TYPE, content_type), (header::ETAG, "\"1\"")], PAGE)
            }),
        )
        .fallback(|| async { (StatusCode::NOT_FOUND, Html(PAGE)) })
}

/// The nonce in the strict policy of a page.
fn nonce_of(page: &TestResponse) -> String {
    let policy = page.header("content-security-policy");
    let scripts = policy.split(';').find_map(|part| part.trim().strip_prefix("script-src 'self' 'nonce-"));
    scripts.and_then(|rest| rest.strip_suffix('\'')).unwrap_or_else(|| panic!("{policy}")).to_owned()
}

#[tokio::test]
async fn a_page_gets_the_users_look_and_menu() {
    let world = World::in_front_of(site()).await;
    let mut browser = world.sign_in().await;
    let page = browser.open("/ledger/plans").await;
    let text = page.text();
    assert!(text.contains("<html data-theme=\"dark\" data-color-theme=\"bee\">"), "{text}");
    assert!(
        text.contains("side-panel__item--active\"><a class=\"side-panel__link\" href=\"/ledger/\""),
        "{text}"
    );
    assert!(text.contains("<main>content</main>"));
    assert!(text.contains("<link rel=\"icon\" type=\"image/svg+xml\" href=\"/static/img/icon.svg?v="));
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.headers.contains_key("etag"));
    let missing = browser.open("/ledger/a/b").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.text().contains("id=\"side-panel\""), "error pages of services too");
}

#[tokio::test]
async fn data_fragments_and_head_stay_as_they_are() {
    let world = World::in_front_of(site()).await;
    let browser = world.sign_in().await;
    for (path, headers) in [
        ("/ledger/data", &[("accept", HTML)][..]),
        ("/ledger/plans", &[("x-requested-with", "XMLHttpRequest")]),
        ("/ledger/plans", &[("sec-fetch-dest", "empty"), ("accept", "*/*")]),
        ("/ledger/plans", &[("accept", "application/json")]),
    ] {
        let request = headers.iter().fold(browser.request(Method::GET, path), |r, (n, v)| r.header(n, v));
        let answer = request.send().await;
        assert_eq!(answer.text(), PAGE, "{path} {headers:?}");
        assert_eq!(answer.header("etag"), "\"1\"");
    }
    let head = browser.request(Method::HEAD, "/ledger/plans").header("accept", HTML).send().await;
    assert_eq!(head.header("etag"), "\"1\"");
}

#[tokio::test]
async fn the_policy_of_a_page_is_strict_unless_its_service_is_upstreams() {
    let world = World::with_compat(site()).await;
    let mut browser = world.sign_in().await;
    for path in ["/ledger/plans", "/ledger/missing/page", "/nope/"] {
        let page = browser.open(path).await;
        let (nonce, policy) = (nonce_of(&page), page.header("content-security-policy"));
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(
            page.text().contains(&format!(" nonce=\"{nonce}\" src=\"/static/js/")),
            "{path}: {}",
            page.text()
        );
        assert_ne!(nonce_of(&browser.open(path).await), nonce, "{path}: fresh every time");
    }
    let compat = browser.open("/beacon/plans").await;
    let policy = compat.header("content-security-policy");
    assert!(policy.contains("'unsafe-inline'") && !policy.contains("nonce-"), "{policy}");
    assert!(!compat.text().contains("nonce="), "{}", compat.text());
    let data = browser.open("/ledger/data").await;
    assert!(!data.headers.contains_key("content-security-policy"));
}

#[tokio::test]
async fn sign_in_and_display_pages_get_the_look_without_a_menu() {
    let plan = Plan {
        backends: vec![("beacon", serve(Router::new().fallback(|| async { Html(PAGE) })).await)],
        ..Plan::default()
    };
    let world = World::with(plan).await;
    for path in ["/beacon/display/abc", "/keycloak/realms/hivematrix/account"] {
        let answer = world.open(path).send().await;
        let text = answer.text();
        assert!(
            text.contains("css/global.css?v=") && text.contains("data-theme=\"light\""),
            "{path}: {text}"
        );
        assert!(!text.contains("side-panel"), "{path}");
        assert_eq!(nonce_of(&answer).len(), 22, "{path}");
    }
    let mut browser = world.sign_in().await;
    let display = browser.open("/beacon/display/abc").await.text();
    assert!(display.contains("data-theme=\"dark\""), "in the user's look: {display}");
    assert!(!display.contains("side-panel") && !display.contains("session.js"), "{display}");
    let foreign = world.open("/keycloak/realms/hivematrix/foreign").send().await;
    assert_eq!(
        foreign.header("content-security-policy"),
        "frame-src 'self'",
        "a foreign provider's page keeps its own"
    );
    assert!(!foreign.text().contains("global.css"));
}

#[tokio::test]
async fn a_browser_remembers_the_look_for_pages_without_a_user() {
    let world = World::in_front_of(site()).await;
    let mut browser = world.sign_in().await;
    assert_eq!(browser.cookies.get("__Host-look"), None);
    let first = browser.open("/ledger/plans").await;
    assert_eq!(browser.cookies["__Host-look"], "dark.bee");
    assert!(!first.header("set-cookie").contains("HttpOnly"), "the theme switch writes it too");
    let again = browser.open("/ledger/plans").await;
    assert!(!again.headers.contains_key("set-cookie"), "it is told once");
    let sign_in = browser.open("/keycloak/realms/hivematrix/account").await.text();
    assert!(sign_in.contains("<html data-theme=\"dark\" data-color-theme=\"bee\">"), "{sign_in}");
    assert!(!sign_in.contains("__Host-look"), "it is not passed on: {sign_in}");

    for (cookie, attributes) in [
        ("light.red", " data-theme=\"light\" data-color-theme=\"red\""),
        ("light.pink", " data-theme=\"light\" data-color-theme=\"purple\""),
        ("\"><script>", " data-theme=\"light\" data-color-theme=\"purple\""),
    ] {
        let request = world.open("/keycloak/realms/hivematrix/account");
        let page = request.header("cookie", &format!("__Host-look={cookie}")).send().await.text();
        assert!(page.contains(&format!("<html{attributes}>")), "{cookie}: {page}");
    }
}

#[tokio::test]
async fn what_the_user_chose_goes_before_what_the_browser_remembers() {
    let world = World::in_front_of(site()).await;
    let mut browser = world.sign_in().await;
    browser.cookies.insert("__Host-look".into(), "light.red".into());
    assert!(browser.open("/ledger/plans").await.text().contains("data-color-theme=\"bee\""));
    assert_eq!(browser.cookies["__Host-look"], "dark.bee");
    *world.peer.look.lock().unwrap() =
        (StatusCode::OK, json!({"theme": "light", "color_theme": "purple", "source": "default"}));
    browser.request(Method::POST, "/api/invalidate-cache").send().await;
    let page = browser.open("/ledger/plans").await.text();
    assert!(page.contains("data-color-theme=\"bee\""), "Codex does not know the user: {page}");
}

#[tokio::test]
async fn the_look_is_asked_once_and_again_after_a_change() {
    let world = World::in_front_of(site()).await;
    let mut browser = world.sign_in().await;
    for _ in 0..3 {
        browser.open("/ledger/plans").await;
    }
    assert_eq!(world.peer.look_calls.load(Ordering::Relaxed), 1);
    *world.peer.look.lock().unwrap() = (StatusCode::OK, json!({"theme": "light", "color_theme": "blue"}));
    browser.request(Method::POST, "/api/invalidate-cache").send().await;
    assert!(browser.open("/ledger/plans").await.text().contains("data-color-theme=\"blue\""));
}

#[tokio::test]
async fn without_codex_pages_are_light_and_do_not_wait_again() {
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, json!({})),
        (StatusCode::OK, json!({"theme": "neon", "color_theme": "bee"})),
        (StatusCode::OK, json!({"theme": "light", "color_theme": "purple", "source": "default"})),
    ] {
        let world = World::in_front_of(site()).await;
        *world.peer.look.lock().unwrap() = (status, body);
        let mut browser = world.sign_in().await;
        for _ in 0..3 {
            let text = browser.open("/ledger/plans").await.text();
            assert!(text.contains("<html data-theme=\"light\" data-color-theme=\"purple\">"), "{text}");
        }
        assert_eq!(world.peer.look_calls.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn errors_are_pages_for_people_and_problems_for_programs() {
    let world = World::with(Plan {
        backends: vec![("ledger", dead_address().await), ("helm", serve(echo()).await)],
        entries: json!({"helm": {"admin_only": true}}),
        ..Plan::default()
    })
    .await;
    let mut browser = world.sign_in().await;
    for (path, status) in [
        ("/nope/", StatusCode::NOT_FOUND),
        ("/helm/", StatusCode::FORBIDDEN),
        ("/ledger/", StatusCode::BAD_GATEWAY),
        ("/ledger/..%2f", StatusCode::BAD_REQUEST),
    ] {
        let page = browser.open(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (status, "text/html; charset=utf-8"),
            "{path}"
        );
        let text = page.text();
        assert!(text.contains("id=\"side-panel\"") && text.contains("data-theme=\"dark\""), "{path}: {text}");
        assert!(text.contains(page.header("x-correlation-id")), "{path}");
        let call = browser.request(Method::GET, path).send().await;
        let problem = call.json();
        assert_eq!(
            (call.status, call.header("content-type")),
            (status, "application/problem+json"),
            "{path}"
        );
        assert_eq!((&problem["status"], &problem["instance"]), (&json!(status.as_u16()), &json!(path)));
    }
    let script = world
        .open("/%3Cscript%3Ealert(1)%3C/script%3E/")
        .bearer(world.identity.user_token(Technician))
        .send()
        .await;
    assert!(!script.text().contains("<script>alert"), "{}", script.text());
}

#[tokio::test]
async fn the_gateways_own_files_health_and_documents_are_open() {
    let world = World::new().await;
    let css = world.get("/static/css/global.css").header("accept-encoding", "gzip").send().await;
    assert_eq!((css.status, css.header("content-encoding")), (StatusCode::OK, "gzip"));
    let icon = world.get("/favicon.ico").send().await;
    assert_eq!((icon.status, icon.header("content-type")), (StatusCode::OK, "image/svg+xml"));
    assert_eq!(world.get("/static/css/none.css").send().await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/livez").send().await.status, StatusCode::OK);
    assert_eq!(world.get("/readyz").send().await.status, StatusCode::OK);
    let health = world.get("/health").send().await.json();
    assert_eq!(health["service"], "nexus");
    assert!(
        health["checks"]["dependencies"]["keycloak"].is_object()
            && health["checks"]["dependencies"]["core"].is_object(),
        "{health}"
    );
    let document = world.get("/static/openapi.json").send().await.json();
    assert!(document["paths"]["/api/invalidate-cache"]["post"].is_object());
    assert_eq!(world.get("/docs").header("accept", HTML).send().await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_name_services_and_own_routes_and_nothing_a_client_makes_up() {
    let world = World::new().await;
    world.call(Method::GET, "/ledger/api/x", Technician).send().await;
    world.get("/login").send().await;
    world.call(Method::GET, "/made-up/x", Technician).send().await;
    let metrics = world.get("/metrics").send().await.text();
    for (route, status) in [("/ledger/*", 200), ("/login", 302), ("unmatched", 404)] {
        let line = format!(r#"method="GET",route="{route}",status="{status}"}} 1"#);
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("made-up"));
}
