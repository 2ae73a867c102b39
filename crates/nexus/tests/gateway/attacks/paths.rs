//! Paths that mean something else behind the gateway, and text that would become a header.

use hivematrix_shared::auth::PermissionLevel::Technician;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{Plan, World, echo, serve};

#[tokio::test]
async fn no_spelling_of_a_path_leads_from_an_open_one_to_a_closed_one() {
    let backend = serve(echo()).await;
    let plan = Plan {
        backends: vec![("beacon", backend.clone()), ("codex", backend.clone()), ("helm", backend)],
        entries: json!({"helm": {"admin_only": true}}),
        ..Plan::default()
    };
    let world = World::with(plan).await;
    for path in [
        "/beacon/display/../helpdesk",
        "/beacon/display/%2e%2e/helpdesk",
        "/beacon/display/%252e%252e/helpdesk",
        "/beacon/display/..%2fhelpdesk",
        "/beacon/display/..%5chelpdesk",
        "/beacon/display/..;/helpdesk",
        "/beacon/display/.%00./helpdesk",
        "/beacon/display/%c0%ae%c0%ae/helpdesk",
        "/beacon/static/..%2f..%2fetc/passwd",
        "/beacon/health/../helpdesk",
        "/codex/webhooks/test/../../companies",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = world.request(method.clone(), path).send().await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path}");
        }
    }
    // What looks like an open path to one reader only needs a login, or is no service at all.
    for (path, status) in [
        ("/beacon%2Fdisplay/x", StatusCode::NOT_FOUND),
        ("/beacon%2fhealth", StatusCode::PERMANENT_REDIRECT),
        ("/beacon%2fhealth/", StatusCode::UNAUTHORIZED),
        ("/BEACON/health", StatusCode::UNAUTHORIZED),
        ("/beacon/Health", StatusCode::UNAUTHORIZED),
        ("/beacon/health;x", StatusCode::UNAUTHORIZED),
        ("/beacon/health%20", StatusCode::UNAUTHORIZED),
        ("/beacon/health/", StatusCode::UNAUTHORIZED),
        ("/beacon/helpdesk?/beacon/display/x", StatusCode::UNAUTHORIZED),
        ("/beacon/helpdesk%3f/beacon/display/x", StatusCode::UNAUTHORIZED),
        ("/beacon/helpdesk;/beacon/display/x", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(world.get(path).send().await.status, status, "{path}");
    }
    // The level is asked of the service that the request goes to.
    for path in ["/helm/api/x", "/helm/%61pi/x", "/codex/..%2fhelm/api/x", "/codex/%2e%2e/helm/api/x"] {
        let answer = world.call(Method::GET, path, Technician).send().await;
        assert!(
            matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST),
            "{path}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn nothing_in_an_address_becomes_a_header_or_leads_to_another_site() {
    let world = World::new().await;
    for path in [
        "/ledger/%0d%0aSet-Cookie:evil=1",
        "/ledger/%0aSet-Cookie:evil=1",
        "/ledger/%E5%98%8A%E5%98%8DSet-Cookie:evil=1",
        "/ledger?x=%0d%0aSet-Cookie:evil=1",
        "/ledger//a?x=%0d%0aSet-Cookie:evil=1",
        "/helpdesk?x=%0d%0aLocation:%20https://evil.example/",
        "/login?next=/%0d%0aSet-Cookie:evil=1",
        "/keycloak-callback?state=%0d%0aSet-Cookie:evil=1&error=%0d%0aSet-Cookie:evil=1",
        "//evil.example/",
        "///evil.example/%2e%2e",
        "/%2f/evil.example/",
        "/%2fevil.example",
        "/%5cevil.example",
        "/.evil.example",
        "/@evil.example",
        "/https:evil.example",
    ] {
        for answer in [
            world.open(path).send().await,
            world.call(Method::GET, path, Technician).header("accept", crate::support::HTML).send().await,
        ] {
            let set_cookies = answer.headers.get_all("set-cookie").iter();
            assert!(set_cookies.into_iter().all(|c| !c.to_str().unwrap().starts_with("evil")), "{path}");
            let location = answer.header("location");
            let local = location.starts_with('/') && !location[1..].starts_with(['/', '\\']);
            let known = location.starts_with("https://gw.test/");
            assert!(location.is_empty() || local || known, "{path} leads to {location}");
        }
    }
}
