//! `GET /api/tickets/{view_slug}` (beacon.md §6, §7, §13).

use crate::common::{Suite, ours};
use chrono::TimeDelta;
use hivematrix_shared::{auth::PermissionLevel, testing::TestResponse};
use serde_json::{Value, json};

fn ids(items: &Value) -> Vec<i64> {
    items.as_array().unwrap().iter().map(|ticket| ticket["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn the_answer_has_the_seeds_shape() {
    let suite = Suite::start().await;
    suite.tickets(ours());
    let answer = suite.get("/api/tickets/helpdesk").await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(answer.json());
}

#[tokio::test]
async fn answers_of_upstreams_codex_are_understood() {
    let suite = Suite::start_with_upstream().await;
    let answer = suite.get("/api/tickets/helpdesk").await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(answer.json());
}

#[tokio::test]
async fn view_and_agent_select_what_is_counted() {
    let suite = Suite::start().await;
    suite.tickets(ours());
    for (path, lists, total) in [
        ("/api/tickets/helpdesk", [vec![3, 12345], vec![4], vec![], vec![]], 3),
        ("/api/tickets/professional-services", [vec![], vec![], vec![5], vec![]], 1),
        ("/api/tickets/helpdesk?agent_id=19000234567", [vec![12345], vec![4], vec![], vec![]], 2),
        ("/api/tickets/helpdesk?agent_id=1", [vec![], vec![], vec![], vec![]], 0),
        ("/api/tickets/helpdesk?agent_id=abc", [vec![3, 12345], vec![4], vec![], vec![]], 3),
        ("/api/tickets/helpdesk?agent_id=", [vec![3, 12345], vec![4], vec![], vec![]], 3),
    ] {
        let answer = suite.get(path).await.json();
        let found = ["s1_items", "s2_items", "s3_items", "s4_items"].map(|list| ids(&answer[list]));
        assert_eq!(found, lists, "{path}");
        assert_eq!(answer["total_active_items"], total, "{path}");
    }
}

#[tokio::test]
async fn configured_views_and_groups_are_served() {
    let views = r#"--views=[{"slug":"helpdesk","name":"Helpdesk"},{"slug":"field","name":"Field","tags":["onsite"]}]"#;
    let suite = Suite::start_with(&[views, "--professional-services-group-ids=19000123456"]).await;
    suite.tickets(ours());
    let answer = suite.get("/api/tickets/field").await.json();
    assert_eq!(
        (ids(&answer["s1_items"]), &answer["section1_name_js"]),
        (vec![12345], &json!("Open Field Tickets"))
    );
    assert_eq!(ids(&suite.get("/api/tickets/helpdesk").await.json()["s1_items"]), [3]);
    assert_eq!(suite.get("/api/tickets/professional-services").await.status, 404);
}

#[tokio::test]
async fn an_unknown_view_is_the_same_problem_for_page_and_data() {
    let suite = Suite::start().await;
    for path in ["/api/tickets/none", "/none"] {
        let answer = suite.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(
            answer.json(),
            json!({
                "type": "https://httpstatuses.com/404", "title": "Not Found", "status": 404, "instance": path,
                "detail": "Unsupported view: none", "error": "Unsupported view: none"
            })
        );
    }
}

#[tokio::test]
async fn every_level_but_client_may_look() {
    let suite = Suite::start().await;
    for path in ["/api/tickets/helpdesk", "/helpdesk"] {
        for (level, status) in [
            (PermissionLevel::Admin, 200),
            (PermissionLevel::Technician, 200),
            (PermissionLevel::Billing, 200),
            (PermissionLevel::Client, 403),
        ] {
            assert_eq!(suite.get_as(level, path).await.status, status, "{path} {level}");
        }
        assert_eq!(suite.client.get(path).send().await.status, 401, "{path}");
        let service = suite.identity.service_token("brainhair", "beacon");
        assert_eq!(suite.client.get(path).bearer(service).send().await.status, 200, "{path}");
        let elsewhere = suite.identity.service_token("brainhair", "codex");
        assert_eq!(suite.client.get(path).bearer(elsewhere).send().await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn unchanged_lists_cost_a_304_and_the_time_of_the_answer_does_not_count() {
    let suite = Suite::start().await;
    suite.tickets(ours());
    let token = suite.identity.user_token(PermissionLevel::Billing);
    let first = suite.client.get("/api/tickets/helpdesk").bearer(&token).send().await;
    let etag = first.header("etag").to_owned();
    assert!(!etag.is_empty());
    suite.clock.advance(TimeDelta::seconds(60));
    for (tags, status) in
        [(etag.as_str(), 304), (&format!("\"x\", {etag}"), 304), ("*", 304), ("\"x\"", 200), ("", 200)]
    {
        let request = suite.client.get("/api/tickets/helpdesk").bearer(&token).header("if-none-match", tags);
        let answer = request.send().await;
        assert_eq!(answer.status, status, "{tags}");
        assert_eq!(answer.header("etag"), etag);
    }
    suite.tickets(json!({"section1": [{"id": 3}]}));
    suite.clock.advance(TimeDelta::seconds(60));
    let request = suite.client.get("/api/tickets/helpdesk").bearer(&token).header("if-none-match", &etag);
    assert_eq!(request.send().await.status, 200);
}

#[tokio::test]
async fn all_viewers_share_one_fetch_of_at_most_five_seconds() {
    let suite = Suite::start().await;
    suite.peers.answer_text("GET /api/tickets/active", 200, ours().to_string(), Some("\"v1\""));
    for (advance, fetches) in [(0, 1), (4, 1), (1, 2), (5, 3)] {
        suite.clock.advance(TimeDelta::seconds(advance));
        let (a, b, c) = tokio::join!(
            suite.get("/api/tickets/helpdesk"),
            suite.get("/api/tickets/professional-services"),
            suite.get_as(PermissionLevel::Admin, "/helpdesk"),
        );
        assert!([a, b, c].iter().all(|answer| answer.status == 200));
        assert_eq!(suite.peers.seen("/api/tickets/active").len(), fetches, "{advance}");
    }
    let tags: Vec<_> = suite
        .peers
        .seen("/api/tickets/active")
        .iter()
        .map(|seen| seen.headers.get("if-none-match").is_some())
        .collect();
    assert_eq!(tags, [false, true, true]);
}

#[tokio::test]
async fn the_last_good_lists_are_served_marked_while_codex_is_away() {
    let suite = Suite::start().await;
    let away = "Unable to fetch tickets from Codex. The service may be unavailable.";
    let check = |answer: &Value, stale: bool, error: &Value, total: i64| {
        assert_eq!((&answer["stale"], &answer["error"]), (&json!(stale), error));
        assert_eq!(answer["total_active_items"], total);
    };
    // Before the first good answer there is nothing to show.
    suite.peers.answer("GET /api/tickets/active", 500, json!({}));
    check(&suite.get("/api/tickets/helpdesk").await.json(), false, &json!(away), 0);
    suite.tickets(ours());
    suite.clock.advance(TimeDelta::seconds(5));
    check(&suite.get("/api/tickets/helpdesk").await.json(), false, &Value::Null, 3);
    for (status, body) in [(500, "{}"), (401, "{}"), (200, "<html>"), (200, "{\"section1\": [")] {
        suite.peers.answer_text("GET /api/tickets/active", status, body, None);
        suite.clock.advance(TimeDelta::seconds(60));
        let answer = suite.get("/api/tickets/helpdesk").await.json();
        check(&answer, true, &json!(away), 3);
        assert_eq!(
            answer["dashboard_generated_time_iso"], "2025-11-22T10:28:00Z",
            "the true time of the sync"
        );
    }
    suite.tickets(ours());
    suite.clock.advance(TimeDelta::seconds(5));
    check(&suite.get("/api/tickets/helpdesk").await.json(), false, &Value::Null, 3);
}

#[tokio::test]
async fn the_lists_are_served_while_core_gives_no_service_token() {
    let suite = Suite::start().await;
    suite.peers.answer("POST /service-token", 503, json!({}));
    let answer = suite.get("/api/tickets/helpdesk").await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["error"].as_str().unwrap().starts_with("Unable to fetch tickets"));
}

/// The refusal that comes after the allowed requests; while they are made, the limit lets some more through.
async fn refusal(suite: &Suite, level: PermissionLevel, path: &str, allowed: usize) -> TestResponse {
    for _ in 0..allowed {
        let answer = suite.get_as(level, path).await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("{path} has no limit of {allowed}");
}

#[tokio::test]
async fn limits_are_counted_per_user_and_route() {
    let suite = Suite::start().await;
    for (level, path, allowed) in [
        (PermissionLevel::Admin, "/api/tickets/helpdesk", 60),
        (PermissionLevel::Technician, "/helpdesk", 60),
        (PermissionLevel::Admin, "/api/sync/status/a", 30),
        (PermissionLevel::Billing, "/no/such/path", 50),
    ] {
        for n in 0..allowed {
            assert_ne!(suite.get_as(level, path).await.status, 429, "{path} {n}");
        }
        let refused = refusal(&suite, level, path, allowed).await;
        assert_eq!(refused.json()["detail"], "Rate limit exceeded. Try again later.");
        assert!(!refused.header("retry-after").is_empty());
    }
    // Another user is not affected.
    assert_eq!(suite.get_as(PermissionLevel::Billing, "/api/tickets/helpdesk").await.status, 200);
}

#[tokio::test]
async fn the_redirect_health_and_files_have_no_limit() {
    let suite = Suite::start().await;
    for (path, status) in [("/", 302), ("/livez", 200), ("/static/js/main.js", 200)] {
        for n in 0..240 {
            assert_eq!(suite.client.get(path).send().await.status, status, "{path} {n}");
        }
    }
    suite.peers.answer("GET /health", 200, json!({"status": "healthy"}));
    for n in 0..240 {
        assert_ne!(suite.client.get("/health").send().await.status, 429, "/health {n}");
    }
}
