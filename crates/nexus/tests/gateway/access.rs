//! Who may open what (nexus.md §5, §6, §7, §13).

use hivematrix_shared::auth::PermissionLevel::{self, Admin, Billing, Client, Technician};
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{ORIGIN, Plan, World, echo, serve};

async fn suite() -> World {
    let backend = serve(echo()).await;
    let names = ["beacon", "knowledgetree", "ledger", "helm", "hidden", "keycloak", "nexus", "codex", "core"];
    World::with(Plan {
        backends: names.map(|name| (name, backend.clone())).to_vec(),
        entries: json!({
            "beacon": {"levels": ["admin", "technician", "billing"], "order": 1}, "knowledgetree": {"order": 2},
            "codex": {"order": 4}, "ledger": {"billing_or_admin_only": true, "order": 5},
            "helm": {"admin_only": true, "order": 6}, "hidden": {"visible": false}, "keycloak": {"visible": false},
            "nexus": {"visible": false}, "core": {"visible": false},
        }),
        ..Plan::default()
    })
    .await
}

#[tokio::test]
async fn the_level_decides_which_services_are_passed_on() {
    let world = suite().await;
    for (service, allowed) in [
        ("beacon", &[Admin, Technician, Billing][..]),
        ("knowledgetree", &PermissionLevel::ALL),
        ("codex", &PermissionLevel::ALL),
        ("ledger", &[Admin, Billing]),
        ("helm", &[Admin]),
        ("hidden", &[]),
    ] {
        for level in PermissionLevel::ALL {
            for path in [format!("/{service}/api/x"), format!("/{service}/%78")] {
                let answer = world.call(Method::GET, &path, level).send().await;
                let expected = if allowed.contains(&level) { StatusCode::OK } else { StatusCode::FORBIDDEN };
                assert_eq!(answer.status, expected, "{path} {level}");
            }
        }
    }
}

#[tokio::test]
async fn what_stays_inside_is_refused_even_to_admins() {
    let world = suite().await;
    for (method, path, status) in [
        (Method::POST, "/core/service-token", StatusCode::FORBIDDEN),
        (Method::POST, "/core/api/token/exchange", StatusCode::FORBIDDEN),
        (Method::POST, "/core/api/internal/token", StatusCode::FORBIDDEN),
        (Method::GET, "/core/", StatusCode::FORBIDDEN),
        (Method::POST, "/core/%73ervice-token", StatusCode::FORBIDDEN),
        (Method::POST, "/core/api/sessions/%2e%2e/%2e%2e/service-token", StatusCode::BAD_REQUEST),
        (Method::POST, "/core%2Fservice-token", StatusCode::NOT_FOUND),
        (Method::GET, "/nexus/health", StatusCode::FORBIDDEN),
        (Method::GET, "/keycloak/admin/", StatusCode::NOT_FOUND),
        (Method::GET, "/realms/master/account", StatusCode::NOT_FOUND),
        (Method::GET, "/ledger/metrics", StatusCode::NOT_FOUND),
        (Method::GET, "/ledger/%6Detrics", StatusCode::NOT_FOUND),
        (Method::GET, "/beacon/livez", StatusCode::NOT_FOUND),
        (Method::GET, "/helm/readyz", StatusCode::NOT_FOUND),
        (Method::GET, "/nope/", StatusCode::NOT_FOUND),
        (Method::POST, "/login", StatusCode::NOT_FOUND),
        (Method::GET, "/helm/metrics", StatusCode::OK),
        (Method::GET, "/core/api/sessions", StatusCode::OK),
        (Method::DELETE, "/core/api/sessions/abc", StatusCode::OK),
        (Method::POST, "/core/api/token/introspect", StatusCode::OK),
    ] {
        let answer = world.call(method.clone(), path, Admin).send().await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    let unknown = world.call(Method::GET, "/nope/", Admin).send().await.json();
    assert_eq!(unknown["detail"], "Service 'nope' not found.");
}

#[tokio::test]
async fn the_open_paths_need_no_login_and_carry_no_identity() {
    let world = suite().await;
    for (method, path) in [
        (Method::GET, "/beacon/health"),
        (Method::GET, "/beacon/docs"),
        (Method::GET, "/beacon/static/board.js"),
        (Method::GET, "/beacon/display/abc"),
        (Method::POST, "/codex/webhooks/freshservice/ticket"),
        (Method::POST, "/codex/webhooks/superops/ticket"),
        (Method::POST, "/codex/webhooks/test"),
    ] {
        let request = world
            .request(method.clone(), path)
            .header("authorization", "Bearer made-up")
            .header("cookie", "__Host-session=1.c; lang=en")
            .header("sec-fetch-site", "cross-site")
            .header("x-webhook-secret", "s");
        let answer = request.send().await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path}");
        let headers = &answer.json()["headers"];
        assert!(headers["authorization"].is_null(), "{path}");
        assert_eq!(headers["cookie"], json!(["lang=en"]), "{path}");
        assert_eq!(headers["x-webhook-secret"], json!(["s"]), "{path}");
    }
    for path in
        ["/beacon/display/../helpdesk", "/beacon/display/%2e%2e/helpdesk", "/beacon/static/..%2fhelpdesk"]
    {
        assert_eq!(world.get(path).send().await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    for path in [
        "/beacon/helpdesk",
        "/beacon/api/tickets/helpdesk",
        "/codex/health",
        "/ledger/docs",
        "/codex/webhooks/test",
    ] {
        assert_eq!(world.get(path).send().await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_change_by_another_site_is_refused_and_a_token_needs_no_such_check() {
    let world = World::new().await;
    let browser = world.sign_in().await;
    for (headers, status) in [
        (&[("sec-fetch-site", "same-origin")][..], StatusCode::OK),
        (&[("origin", ORIGIN)], StatusCode::OK),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], StatusCode::FORBIDDEN),
        (&[("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        (&[("origin", "https://evil.example")], StatusCode::FORBIDDEN),
        (&[("origin", "null")], StatusCode::FORBIDDEN),
    ] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let with = |request| {
                headers
                    .iter()
                    .fold(request, |r: hivematrix_shared::testing::TestRequest, (n, v)| r.header(n, v))
            };
            let answer = with(browser.with_cookies(world.request(method.clone(), "/ledger/x"))).send().await;
            assert_eq!(answer.status, status, "{method} {headers:?}");
            let answer = with(world.call(method.clone(), "/ledger/x", Billing)).send().await;
            assert_eq!(answer.status, StatusCode::OK, "bearer {method} {headers:?}");
        }
    }
}

#[tokio::test]
async fn the_start_page_is_the_preferred_one_the_default_or_the_first_in_the_menu() {
    for (level, preferred, expected) in [
        (Technician, None, "/beacon/"),
        (Technician, Some("codex"), "/codex/"),
        (Technician, Some("knowledgetree"), "/knowledgetree/"),
        (Technician, Some("helm"), "/beacon/"),
        (Technician, Some("https://evil.example"), "/beacon/"),
        (Billing, Some("ledger"), "/ledger/"),
        (Admin, Some("helm"), "/helm/"),
        (Admin, Some("core"), "/beacon/"),
        (Client, None, "/knowledgetree/"),
        (Client, Some("beacon"), "/knowledgetree/"),
    ] {
        let backend = serve(echo()).await;
        let world = World::with(Plan {
            backends: ["beacon", "knowledgetree", "ledger", "helm"].map(|name| (name, backend.clone())).to_vec(),
            entries: json!({
                "beacon": {"levels": ["admin", "technician", "billing"], "order": 1}, "knowledgetree": {"order": 2},
                "codex": {"order": 4}, "ledger": {"billing_or_admin_only": true, "order": 5},
                "helm": {"admin_only": true, "order": 6},
            }),
            ..Plan::default()
        })
        .await;
        if let Some(page) = preferred {
            *world.peer.home.lock().unwrap() = (StatusCode::OK, json!({"home_page": page}));
        }
        let answer = world.call(Method::GET, "/", level).send().await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::FOUND, expected),
            "{level} {preferred:?}"
        );
    }
}

#[tokio::test]
async fn a_user_without_any_service_is_told_so() {
    let entries = json!({"ledger": {"admin_only": true}, "codex": {"admin_only": true}});
    let world = World::with(Plan { entries, ..Plan::default() }).await;
    let answer = world.call(Method::GET, "/", Client).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text().contains("There is nothing you can open yet"));
}

#[tokio::test]
async fn short_addresses_and_methods() {
    let world = World::new().await;
    for (path, status, location) in [
        ("/helpdesk", StatusCode::FOUND, "/beacon/helpdesk"),
        ("/professional-services/", StatusCode::FOUND, "/beacon/professional-services"),
        ("/keycloak", StatusCode::PERMANENT_REDIRECT, "/keycloak/"),
        ("/ledger?a=1", StatusCode::PERMANENT_REDIRECT, "/ledger/?a=1"),
        ("/ledger//a///b?c=//d", StatusCode::PERMANENT_REDIRECT, "/ledger/a/b?c=//d"),
    ] {
        let answer = world.get(path).send().await;
        assert_eq!((answer.status, answer.header("location")), (status, location), "{path}");
    }
    let options = world.request(Method::OPTIONS, "/ledger/x").send().await;
    assert_eq!((options.status, options.text().as_str()), (StatusCode::OK, ""));
    assert_eq!(options.header("allow"), "HEAD, GET, DELETE, POST, OPTIONS, PUT, PATCH");
    let trace = world.request(Method::TRACE, "/ledger/x").send().await;
    assert_eq!(trace.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(trace.header("allow").contains("PATCH"));
}

#[tokio::test]
async fn preferences_are_read_anew_only_for_a_signed_in_user_on_our_page() {
    let world = World::new().await;
    let browser = world.sign_in().await;
    let path = "/api/invalidate-cache";
    assert_eq!(world.request(Method::POST, path).send().await.status, StatusCode::UNAUTHORIZED);
    let foreign =
        browser.with_cookies(world.request(Method::POST, path)).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send().await.status, StatusCode::FORBIDDEN);
    let done = browser.request(Method::POST, path).send().await;
    assert_eq!(done.json(), json!({"message": "Cache invalidated", "success": true}));
}

#[tokio::test]
async fn requests_that_upstreams_clients_make_are_answered() {
    let backend = serve(echo()).await;
    let world = World::with(Plan {
        backends: vec![("ledger", backend.clone()), ("codex", backend.clone()), ("beacon", backend)],
        ..Plan::default()
    })
    .await;
    let mut browser = world.sign_in().await;
    for (signed_in, method, path, status) in [
        (false, Method::GET, "/codex/companies?x=1", StatusCode::UNAUTHORIZED),
        (false, Method::GET, "/codex/api/companies", StatusCode::UNAUTHORIZED),
        (false, Method::PUT, "/codex/api/my/settings", StatusCode::UNAUTHORIZED),
        (false, Method::GET, "/", StatusCode::UNAUTHORIZED),
        (false, Method::GET, "/nope/", StatusCode::UNAUTHORIZED),
        (false, Method::GET, "/login?next=/ledger/", StatusCode::FOUND),
        (false, Method::GET, "/keycloak-callback?code=ok&state=zzz", StatusCode::UNAUTHORIZED),
        (true, Method::GET, "/", StatusCode::FOUND),
        (true, Method::GET, "/codex/api/companies/100003", StatusCode::OK),
        (true, Method::GET, "/codex/api/tickets?limit=1&status=open", StatusCode::OK),
        (true, Method::PUT, "/codex/api/my/settings", StatusCode::OK),
        (true, Method::POST, "/ledger/api/overrides/features/100003", StatusCode::OK),
        (true, Method::GET, "/ledger/invoice/100003/download?year=2026&month=10", StatusCode::OK),
        (true, Method::GET, "/nope/", StatusCode::NOT_FOUND),
        (true, Method::GET, "/codex", StatusCode::PERMANENT_REDIRECT),
        (true, Method::POST, "/api/invalidate-cache", StatusCode::OK),
        (false, Method::GET, "/beacon/health", StatusCode::OK),
        (false, Method::GET, "/beacon/helpdesk", StatusCode::UNAUTHORIZED),
        (false, Method::GET, "/keycloak/realms/hivematrix/protocol/openid-connect/userinfo", StatusCode::OK),
        (false, Method::GET, "/helpdesk", StatusCode::FOUND),
    ] {
        let request = if signed_in {
            browser.request(method.clone(), path)
        } else {
            world.request(method.clone(), path)
        };
        let answer = request.header("x-correlation-id", "nexus-corr-1").send().await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("x-correlation-id"), "nexus-corr-1", "{method} {path}");
    }
    let answer = browser.open("/logout").await;
    assert_eq!(answer.status, StatusCode::OK);
}
