//! Text of an attacker in pages of ours.

use http::{HeaderMap, HeaderValue, StatusCode};

use crate::support::{Plan, World, authorization_query, dead_address};

/// Percent-encoded, so that it travels in any address.
const SCRIPT: &str = "%3Cscript%3Ealert(1)%3C/script%3E%22%27%3E%3Cimg%20src=x%20onerror=alert(1)%3E";

fn assert_harmless(page: &str, headers: &HeaderMap, place: &str) {
    for piece in ["<script>alert", "<img src=x", "\"'><img", "onerror=alert(1)>", "href=\"javascript:"] {
        assert!(!page.contains(piece), "{place}: {piece} in {page}");
    }
    let policy = headers.get("content-security-policy").map(HeaderValue::as_bytes).unwrap_or_default();
    let policy = String::from_utf8_lossy(policy);
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{place}: {policy}");
}

#[tokio::test]
async fn no_error_page_repeats_markup() {
    let dead = dead_address().await;
    let world = World::with(Plan { backends: vec![("ledger", dead)], ..Plan::default() }).await;
    let mut browser = world.sign_in().await;
    for (place, path, status) in [
        ("the name of a service", format!("/{SCRIPT}/"), StatusCode::NOT_FOUND),
        ("the path of a service that is away", format!("/ledger/{SCRIPT}"), StatusCode::BAD_GATEWAY),
        ("its query", format!("/ledger/?q={SCRIPT}"), StatusCode::BAD_GATEWAY),
        ("a path that is refused", format!("/ledger/..%2f{SCRIPT}"), StatusCode::BAD_REQUEST),
        ("a hidden path", format!("/keycloak/admin/{SCRIPT}"), StatusCode::NOT_FOUND),
        ("an inner path", format!("/core/{SCRIPT}"), StatusCode::FORBIDDEN),
        ("a state", format!("/keycloak-callback?state={SCRIPT}"), StatusCode::UNAUTHORIZED),
        ("a code", format!("/keycloak-callback?code={SCRIPT}"), StatusCode::UNAUTHORIZED),
    ] {
        let page = browser.open(&path).await;
        assert_eq!(page.status, status, "{place}");
        assert!(page.header("content-type").starts_with("text/html"), "{place}");
        assert_harmless(&page.text(), &page.headers, place);
    }
    for (place, query) in [
        ("the provider's error", format!("error={SCRIPT}")),
        ("the provider's description", format!("error=access_denied&error_description={SCRIPT}")),
        ("the provider's link", "error=server_error&error_uri=javascript:alert(1)".to_owned()),
        ("a refused code", format!("code={SCRIPT}")),
    ] {
        let mut browser = world.browser();
        let begun = browser.begin("/login").await;
        let state = authorization_query(&begun)["state"].clone();
        let page = browser.open(&format!("/keycloak-callback?{query}&state={state}")).await;
        assert!(page.status.is_client_error() || page.status.is_server_error(), "{place}");
        assert_harmless(&page.text(), &page.headers, place);
    }
    for (place, name, value) in [
        ("the host", "host", "<script>alert(1)</script>"),
        ("the correlation id", "x-correlation-id", "<script>alert(1)</script>"),
        ("the referrer", "referer", "\"'><img src=x onerror=alert(1)>"),
        ("the user agent", "user-agent", "<script>alert(1)</script>"),
        ("a cookie", "cookie", "__Host-session=<script>alert(1)</script>"),
    ] {
        let page = world.open("/nope").header(name, value).send().await;
        assert!(!page.text().contains("<script>alert") && !page.text().contains("<img src=x"), "{place}");
    }
}

#[tokio::test]
async fn problem_documents_are_never_taken_for_pages() {
    let world = World::new().await;
    let answer = world.get(&format!("/{SCRIPT}/")).send().await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}
