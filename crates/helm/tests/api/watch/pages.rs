//! Dashboard, page of a service, process logs, metrics (helm.md §3).

use std::time::Duration;

use hivematrix_helm::domain::keycloak_in_use::KeycloakInUse;
use hivematrix_shared::auth::PermissionLevel;
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use super::Helm;

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_page_of_a_service_shows_its_state_its_history_and_its_newest_lines(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    helm.add("codex");
    let nasty = "<script>alert(1)</script>";
    let logs: Vec<_> = (0..52)
        .map(|n| {
            let level = if n == 51 { "ERROR" } else { "INFO" };
            json!({"message": format!("line {n}. {nasty}"), "level": level, "trace_id": format!("request-{n}"),
                "timestamp": format!("2025-11-22T10:00:{n:02}Z")})
        })
        .chain([json!({"message": "x".repeat(300), "timestamp": "2025-11-22T10:01:00Z"})])
        .collect();
    helm.ingest("codex", &json!({"logs": logs})).await;
    let page = helm.get("/service/codex").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(!text.contains(nasty), "log text is text");
    assert!(
        text.contains("line 51.") && text.contains("line 3.") && !text.contains("line 2."),
        "the 50 newest"
    );
    assert!(text.contains(&format!("{}…", "x".repeat(199))) && !text.contains(&"x".repeat(201)));
    assert!(text.contains("2025-11-22 10:00:51") && text.contains("/logs/correlation/request-51"), "{text}");
    assert!(text.contains("Last errors"));
    assert!(text.contains("Nothing is known of the last 24 hours yet."));
    assert_eq!(offered(&text), ["start"], "what is stopped can be started and nothing else");
    let started = "2025-11-22T10:20:00Z".parse().unwrap();
    let reading = hivematrix_helm::domain::sample::Reading {
        service: "codex".into(),
        metric: "memory_mb",
        value: 20.0,
    };
    hivematrix_helm::store::metrics::insert(&pool, started, &[reading]).await.unwrap();
    let drawn = helm.get("/service/codex").await.text();
    assert!(drawn.contains("20 MB now, 20 MB at most within 24 hours."), "{drawn}");
    let unknown = helm.get("/service/nobody").await;
    assert_eq!(
        (unknown.status, unknown.json()["error"].clone()),
        (StatusCode::NOT_FOUND, json!("Service not found"))
    );
    let technician = helm.get_as(PermissionLevel::Technician, "/service/codex").await;
    assert_eq!(technician.status, StatusCode::FORBIDDEN);
    let token = helm.identity.service_token("ledger", "helm");
    let service = helm.client.get("/service/codex").bearer(token).send().await;
    assert_eq!(service.json()["error"], "This endpoint is for users only");
}

/// The orders whose buttons a page shows.
fn offered(page: &str) -> Vec<&str> {
    let buttons = page.split("name=\"confirm\" value=\"").skip(1);
    buttons
        .filter_map(|button| button.split_once('>'))
        .filter(|(attributes, _)| !attributes.ends_with("hidden"))
        .filter_map(|(attributes, _)| attributes.split('"').next())
        .collect()
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_service_is_restarted_by_a_form_and_helm_is_not(pool: PgPool) {
    let helm = Helm::new(pool);
    helm.add("codex");
    let admin = helm.identity.user_token(PermissionLevel::Admin);
    let post = async |path: &str| {
        helm.client.post(path).header("x-forwarded-prefix", "/helm").bearer(&admin).send().await
    };
    let strange = helm.client.post("/service/codex/restart").header("sec-fetch-site", "cross-site");
    assert_eq!(strange.bearer(&admin).send().await.status, StatusCode::FORBIDDEN);
    let done = post("/service/codex/restart").await;
    assert_eq!((done.status, done.header("location")), (StatusCode::FOUND, "/helm/service/codex"));
    let cookie = done.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("helm_session=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax")
    );
    let pair = cookie.split(';').next().unwrap();
    let page = helm.client.get("/service/codex").bearer(&admin).header("cookie", pair).send().await;
    assert!(page.text().contains("Codex was restarted."), "{}", page.text());
    assert!(page.header("set-cookie").starts_with("helm_session=;"), "and is not said again");
    assert_eq!(offered(&page.text()), ["restart", "stop"], "it runs");
    assert!(page.text().contains(
        "Codex stays away until somebody starts it, also when the machine restarts. Beacon and Ledger need it."
    ));
    let asked = helm.get("/service/codex?confirm=stop").await;
    assert!(
        asked
            .text()
            .contains(r#"<form class="alert alert--warning" method="post" action="/service/codex/stop""#)
    );
    let again = post("/service/codex/start").await;
    assert!(again.header("set-cookie").starts_with("helm_session=error=Service+already+running"));
    let stopped = post("/service/codex/stop").await;
    assert!(stopped.header("set-cookie").starts_with("helm_session=success=Codex+was+stopped"));
    let own = post("/service/helm/restart").await;
    assert_eq!((own.status, own.header("location")), (StatusCode::FOUND, "/helm/service/helm"));
    assert!(own.header("set-cookie").starts_with("helm_session=warning=Helm+does+not+stop+itself"));
    assert_eq!(offered(&helm.get("/service/helm").await.text()), [""; 0], "no button either");
    assert_eq!(post("/service/nobody/restart").await.status, StatusCode::NOT_FOUND);
    for level in [PermissionLevel::Technician, PermissionLevel::Billing, PermissionLevel::Client] {
        let token = helm.identity.user_token(level);
        let refused = helm.client.post("/service/codex/restart").bearer(token).send().await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{level:?}");
    }
    let service = helm.identity.service_token("ledger", "helm");
    let refused = helm.client.post("/service/codex/restart").bearer(service).send().await;
    assert_eq!(refused.json()["error"], "This endpoint is for users only");
    // By cookie only from our own pages.
    let cookie = format!("access_token={admin}");
    let foreign = helm.client.post("/service/codex/start").header("cookie", &cookie);
    let foreign = foreign.header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(foreign.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn an_identity_provider_of_its_own_is_looked_at_and_takes_no_orders(pool: PgPool) {
    let helm = Helm::new(pool);
    let answers = helm.get("/api/services/keycloak/status").await;
    assert_eq!(answers.status, StatusCode::NOT_FOUND, "Core's own realm is no service");
    // Nothing listens on this port.
    let url = "http://127.0.0.1:1".to_owned();
    helm.state.board.set_keycloak(Some(KeycloakInUse {
        server_url: url.clone(),
        backend_url: format!("{url}/realms/msp"),
        realm: "msp".to_owned(),
    }));
    helm.state.board.statuses(Duration::ZERO).await;
    let seen = helm.get("/api/services/keycloak/status").await.json();
    assert_eq!(
        (&seen["status"], &seen["health"], &seen["configured_url"], &seen["configured_port"]),
        (&json!("stopped"), &json!("unreachable"), &json!(url), &json!(1))
    );
    let page = helm.get("/").await.text();
    assert!(page.contains(">Keycloak<"), "{page}");
    let own = helm.get("/service/keycloak").await;
    assert_eq!((own.status, offered(&own.text())), (StatusCode::OK, vec![]));
    let admin = helm.identity.user_token(PermissionLevel::Admin);
    let refused = helm.client.post("/api/services/keycloak/restart").bearer(admin).send().await.json();
    assert!(refused.to_string().contains("runs elsewhere"), "{refused}");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn pages_are_closed_to_a_service_that_acts_for_a_person(pool: PgPool) {
    let helm = Helm::new(pool);
    let acting = helm.identity.service_token_on_behalf("brainhair", "helm", PermissionLevel::Admin);
    for path in [
        "/",
        "/logs",
        "/metrics",
        "/settings",
        "/security",
        "/backups",
        "/users",
        "/service/helm",
        "/service/helm/logs",
    ] {
        let page = helm.client.get(path).bearer(&acting).header("accept", "text/html").send().await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
    }
    let order = helm.client.post("/service/helm/restart").bearer(&acting).send().await;
    assert_eq!(order.json()["error"], "This endpoint is for users only");
    assert_eq!(helm.client.get("/api/logs").bearer(&acting).send().await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn process_logs_are_shown_by_stream_and_bounded(pool: PgPool) {
    let helm = Helm::new(pool);
    helm.add("codex");
    let nasty = "</pre><script>alert(1)</script>";
    helm.write("codex", "stderr", &format!("{nasty}\nsecond\nthird\n"));
    let both = helm.get("/service/codex/logs?lines=2").await;
    assert_eq!(both.status, StatusCode::OK);
    let text = both.text();
    assert!(text.contains("second\nthird") && !text.contains("alert(1)"), "the last lines: {text}");
    assert!(text.find("Standard error").unwrap() < text.find("Standard output").unwrap());
    assert!(text.contains("There is no such file on this machine."));
    let all = helm.get("/service/codex/logs?type=stderr&lines=x").await.text();
    assert!(
        !all.contains("Standard output") && !all.contains(nasty) && all.contains("third"),
        "text is text"
    );
    assert_eq!(helm.get("/service/nobody/logs").await.status, StatusCode::NOT_FOUND);
    assert_eq!(helm.get("/service/..%2Fhelm/logs").await.status, StatusCode::NOT_FOUND);
    helm.write("codex", "stdout", "");
    let json = helm.get("/api/services/codex/logs?lines=1").await.json();
    assert_eq!(json, json!({"service_name": "codex", "stderr": ["third"], "stdout": []}));
    let one = helm.get("/api/services/codex/logs?type=stderr&lines=1").await.json();
    assert_eq!(one, json!({"service_name": "codex", "stderr": ["third"]}));
    assert_eq!(helm.get("/api/services/nobody/logs").await.json()["error"], "Service not found");
    std::fs::remove_file(helm.state.layout.logs("codex").join("codex.stdout.log")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", helm.state.layout.logs("codex").join("codex.stdout.log"))
        .unwrap();
    let linked = helm.get("/service/codex/logs").await.text();
    assert!(
        linked.contains("The file cannot be read.") && !linked.contains("root:"),
        "links are not followed"
    );
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn metrics_are_a_page_for_browsers_and_text_for_programs(pool: PgPool) {
    let helm = Helm::new(pool);
    helm.add("codex");
    let line = json!({"message": "m", "level": "ERROR", "timestamp": "2025-11-22T10:00:00Z"});
    helm.ingest("codex", &json!({"logs": [line]})).await;
    let admin = helm.identity.user_token(PermissionLevel::Admin);
    let html = async |path: &str, token: &str| {
        helm.client.get(path).header("accept", "text/html").bearer(token).send().await
    };
    let page = html("/metrics", &admin).await;
    assert_eq!((page.status, page.header("vary").contains("Accept")), (StatusCode::OK, true));
    let text = page.text();
    assert!(text.contains(r#"<meta http-equiv="refresh" content="5">"#));
    assert!(text.contains("E: 1") && text.contains("W: 0") && text.contains("I: 0"), "{text}");
    assert!(text.contains("stopped") && text.contains("–"), "a stopped service has dashes");
    let still = html("/metrics?refresh=off", &admin).await.text();
    assert!(!still.contains("http-equiv"), "whoever wants to read can");
    let technician = helm.identity.user_token(PermissionLevel::Technician);
    assert_eq!(html("/metrics", &technician).await.status, StatusCode::FORBIDDEN);
    let text = helm.client.get("/metrics").send().await.text();
    assert!(text.contains("process_uptime_seconds"));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_dashboard_leads_to_everything_and_is_asked_again_for_nothing(pool: PgPool) {
    let helm = Helm::new(pool);
    helm.add("codex");
    let page = helm.get("/").await.text();
    for link in ["/service/codex", "/security", "/logs", "/metrics", "/settings", "/users"] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}: {page}");
    }
    assert_eq!(offered(&page), ["start"], "of Codex; Helm is ordered on the machine");
    assert!(page.contains("<code>helm restart helm</code>"), "{page}");
    let first = helm.get("/api/dashboard/status").await;
    let (tag, body) = (first.header("etag").to_owned(), first.json());
    assert!(body["statuses"]["codex"]["status"] == "stopped" && body["log_stats"] == json!({}), "{body}");
    assert_eq!(body["alerts"], json!([]));
    let admin = helm.identity.user_token(PermissionLevel::Admin);
    let again = async |tag: &str| {
        helm.client.get("/api/dashboard/status").bearer(&admin).header("if-none-match", tag).send().await
    };
    let same = again(&tag).await;
    assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(same.header("etag"), tag);
    helm.state.control.start("codex").await;
    let changed = again(&tag).await;
    assert_eq!(
        (changed.status, changed.json()["statuses"]["codex"]["status"].clone()),
        (StatusCode::OK, json!("running"))
    );
    helm.state.control.stop("codex").await;
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn under_systemd_the_page_and_the_api_name_the_journal(pool: PgPool) {
    let helm = Helm::under_systemd(pool);
    helm.add("codex");
    // The folder is another account's: whatever lies there is not looked at.
    std::os::unix::fs::symlink("/etc/passwd", helm.state.layout.home().join("codex")).unwrap();
    for name in ["codex", "helm"] {
        let answer = helm.get(&format!("/api/services/{name}/logs")).await;
        assert_eq!(answer.status, StatusCode::OK);
        let journal = format!("journalctl -u hivematrix-{name}");
        assert_eq!(
            answer.json(),
            json!({"service_name": name, "stdout": null, "stderr": null, "journal": journal})
        );
    }
    let page = helm.get("/service/codex/logs").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(text.contains("<code>journalctl -u hivematrix-codex</code>"), "{text}");
    assert!(!text.contains("cannot be read") && !text.contains("Standard output"), "{text}");
    let remote = helm.get("/api/services/beacon/logs?type=stdout").await;
    assert_eq!(remote.json(), json!({"service_name": "beacon", "stdout": null}));
}
