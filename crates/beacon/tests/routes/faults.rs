//! Peers that are away, slow or talk nonsense, and tickets that try to break something (beacon.md §13).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use hivematrix_shared::auth::PermissionLevel::Technician;
use serde_json::{Value, json};

use crate::{
    common::{Suite, ours, within},
    events::Events,
};

const TICKETS: &str = "GET /api/tickets/active";

/// Page, data and stream of a view; each one has to come, whatever the peers do.
async fn total(suite: &Suite) -> (i64, bool) {
    let page = within(suite.get("/helpdesk")).await;
    assert_eq!(page.status, 200);
    let data = within(suite.get("/api/tickets/helpdesk")).await;
    assert_eq!(data.status, 200);
    let token = format!("Bearer {}", suite.identity.user_token(Technician));
    let mut stream = Events::open(suite, "/api/stream/helpdesk", &[("authorization", &token)]).await;
    let event = stream.next().await.unwrap();
    let data = data.json();
    assert_eq!(
        (&event.data["total_active_items"], &event.data["stale"]),
        (&data["total_active_items"], &data["stale"])
    );
    let count = format!(r#"id="total-active-items-count">{}</span>"#, data["total_active_items"]);
    assert!(page.text().contains(&count));
    (data["total_active_items"].as_i64().unwrap(), data["stale"].as_bool().unwrap())
}

#[tokio::test]
async fn garbage_of_codex_costs_neither_page_nor_rows() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!(r#"{{"section1": [{{"id": 1, "subject": "{}"}}]}}"#, "x".repeat(5_000_000));
    for (status, body, expected) in [
        (200, "".to_owned(), (3, true)),
        (200, "null".to_owned(), (3, true)),
        (200, "[]".to_owned(), (3, true)),
        (200, "<!doctype html><title>Sign in</title>".to_owned(), (3, true)),
        (200, r#"{"section1": [{"id": 1}"#.to_owned(), (3, true)),
        (200, deep, (3, true)),
        (302, String::new(), (3, true)),
        (304, String::new(), (3, false)),
        (
            200,
            r#"{"section1": {"id": 1}, "section2": "x", "section3": null, "section4": [[], 5, null]}"#
                .to_owned(),
            (0, false),
        ),
        (
            200,
            r#"{"section1": [{"id": 1e99}, {"id": -1}, {"id": 2, "tags": [{}]}], "last_sync_time": {}}"#
                .to_owned(),
            (2, false),
        ),
        (200, long, (1, false)),
    ] {
        let suite = Suite::start().await;
        suite.tickets_tagged(ours(), "\"v1\"");
        assert_eq!(total(&suite).await, (3, false));
        suite.peers.answer_text(TICKETS, status, body.clone(), None);
        suite.clock.advance(TimeDelta::seconds(60));
        assert_eq!(total(&suite).await, expected, "{status} {:.60}", body);
        suite.tickets(ours());
        suite.clock.advance(TimeDelta::seconds(60));
        assert_eq!(total(&suite).await, (3, false), "it recovers from {:.60}", body);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_do_not_hide_the_board() {
    let suite = Suite::start().await;
    suite.peers.answer_text(
        TICKETS,
        200,
        &b"{\"section1\": [{\"id\": 1, \"subject\": \"J\xF6rg \xFF\"}]}"[..],
        None,
    );
    assert_eq!(total(&suite).await, (1, false));
}

#[tokio::test]
async fn agents_and_settings_that_are_missing_or_broken_only_cost_names_and_links() {
    for (status, body) in
        [(404, "{}"), (500, "{}"), (200, "x"), (200, "{\"a\": 1}"), (200, "[{\"id\": {}}]"), (200, "null")]
    {
        let suite = Suite::start().await;
        suite.tickets(ours());
        suite.peers.answer_text("GET /api/psa/agents", status, body, None);
        suite.peers.answer_text("GET /api/psa/config", status, body, None);
        assert_eq!(total(&suite).await, (3, false), "{status} {body}");
        let page = suite.get("/helpdesk").await.text();
        assert!(page.contains(r#"data-value-id="48191">#48191</td>"#), "no link, {status} {body}");
        assert!(page.contains("Jane Smith"), "Codex's own name, {status} {body}");
        // The default group still separates the views.
        assert_eq!(suite.get("/api/tickets/professional-services").await.json()["total_active_items"], 1);
    }
}

#[tokio::test]
async fn without_codex_in_the_registry_the_page_says_so() {
    let suite = Suite::start_without(&["codex"]).await;
    let page = suite.get("/helpdesk").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Unable to fetch tickets from Codex. The service may be unavailable."));
    let data = suite.get("/api/tickets/helpdesk").await.json();
    assert_eq!(data["error"], "Unable to fetch tickets from Codex. The service may be unavailable.");
    let health = suite.client.get("/health").send().await;
    assert_eq!(
        (health.status.as_u16(), &health.json()["checks"]["dependencies"]["codex"]["status"]),
        (503, &json!("unhealthy"))
    );
}

#[tokio::test]
async fn a_setting_names_codex_where_the_registry_does_not() {
    let elsewhere = Suite::start().await;
    elsewhere.tickets(ours());
    let url = format!("--codex-url={}", elsewhere.peers.url);
    let suite = Suite::start_without_but(&["codex"], &[&url]).await;
    assert_eq!(total(&suite).await, (3, false));
}

#[tokio::test]
async fn a_codex_that_hangs_keeps_nobody_waiting_who_can_see_the_last_board() {
    let suite = Suite::start().await;
    suite.tickets_tagged(ours(), "\"v1\"");
    assert_eq!(total(&suite).await, (3, false));
    let held = suite.peers.hold(TICKETS);
    suite.clock.advance(TimeDelta::seconds(60));
    // The answer never comes while these are asked; that they come at all is the proof.
    let page = within(suite.get("/helpdesk")).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("data-item-id=\"12345\""));
    // One has waited for all.
    for path in ["/helpdesk", "/api/tickets/helpdesk", "/api/tickets/professional-services"] {
        let began = Instant::now();
        assert_eq!(within(suite.get(path)).await.status, 200, "{path}");
        assert!(began.elapsed() < Duration::from_secs(1), "{path} took {:?}", began.elapsed());
    }
    held.notify_one();
}

#[tokio::test]
async fn many_viewers_of_a_slow_codex_make_one_request() {
    let suite = Arc::new(Suite::start().await);
    suite.tickets_tagged(ours(), "\"v1\"");
    let held = suite.peers.hold(TICKETS);
    let viewers: Vec<_> = (0..20)
        .map(|n| {
            let suite = suite.clone();
            let path = ["/helpdesk", "/api/tickets/helpdesk", "/api/tickets/professional-services"][n % 3];
            tokio::spawn(async move { suite.get(path).await.status })
        })
        .collect();
    suite.peers.until_seen("/api/tickets/active", 1).await;
    held.notify_one();
    for viewer in viewers {
        assert_eq!(within(viewer).await.unwrap(), 200);
    }
    assert_eq!(suite.peers.seen("/api/tickets/active").len(), 1);
}

#[tokio::test]
async fn who_goes_away_does_not_break_off_the_fetch_for_the_others() {
    let suite = Arc::new(Suite::start().await);
    suite.tickets_tagged(ours(), "\"v1\"");
    let held = suite.peers.hold(TICKETS);
    let impatient = {
        let suite = suite.clone();
        tokio::spawn(async move { suite.get("/helpdesk").await })
    };
    suite.peers.until_seen("/api/tickets/active", 1).await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    let patient = {
        let suite = suite.clone();
        tokio::spawn(async move { suite.get("/api/tickets/helpdesk").await.json() })
    };
    held.notify_one();
    assert_eq!(within(patient).await.unwrap()["total_active_items"], 3);
    assert_eq!(suite.peers.seen("/api/tickets/active").len(), 1);
}

#[tokio::test]
async fn core_may_be_away_as_long_as_a_token_is_remembered_and_after_that_the_copy_stays() {
    let suite = Suite::start().await;
    suite.tickets_tagged(ours(), "\"v1\"");
    assert_eq!(total(&suite).await, (3, false));
    suite.peers.answer("POST /service-token", 503, json!({}));
    suite.clock.advance(TimeDelta::seconds(60));
    assert_eq!(total(&suite).await, (3, false), "the token is remembered");
    // Codex does not accept it any more, and Core gives no other.
    suite.peers.answer(TICKETS, 401, json!({}));
    suite.clock.advance(TimeDelta::seconds(60));
    assert_eq!(total(&suite).await, (3, true));
}

#[tokio::test]
async fn hostile_tickets_stay_text() {
    let hostile = [
        "</script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "{{7*7}}{% include \"x\" %}",
        "data: x\n\nevent: y\r\n\r\n",
        "\u{0}\u{7}\u{1b}[31m\u{202e}\u{2028}\u{feff}",
        "javascript:alert(1)",
    ];
    for text in hostile {
        let suite = Suite::start().await;
        let ticket = |id: i64| {
            json!({"id": id, "external_id": id, "ticket_number": text, "subject": text, "description": text,
                "description_text": text, "status_text": text, "status_key": text, "priority": 4, "priority_text": text,
                "priority_key": text, "type": text, "company_name": text, "requester_name": text,
                "requester_email": text, "responder_id": 7, "agent_name": text, "tags": [text], "source": text,
                "created_at": "2025-11-22T09:00:00Z", "created_at_str": text, "updated_at_str": text,
                "updated_friendly": text, "created_days_old": text, "sla_text": text, "sla_color": "red",
                "sla_class": text, "fr_due_by_str": "2025-11-22T09:00:00Z", "total_hours_spent": 1e308})
        };
        suite.tickets(json!({"section1": [ticket(1)], "section2": [ticket(2)], "section3": [ticket(3)], "section4": [ticket(4)]}));
        suite.peers.answer("GET /api/psa/agents", 200, json!([{"id": 1, "external_id": 7, "name": text}]));
        let template = json!({"ticket_url_template": format!("javascript:alert(1)//{text}{{ticket_id}}")});
        suite.peers.answer(
            "GET /api/psa/config",
            200,
            json!({"default_provider": "x", "providers": {"x": template}}),
        );
        assert_eq!(total(&suite).await, (4, false), "{text:?}");
        let page = suite.get("/helpdesk").await.text();
        for markup in ["<script>alert", "<img src=x", "' onmouseover=", "href=\"javascript:", "{{7*7}}<"] {
            assert!(!page.contains(markup), "{markup} of {text:?}");
        }
        let data: Value = suite.get("/api/tickets/helpdesk").await.json();
        assert_eq!(data["s1_items"][0]["subject"], text);
    }
}

#[tokio::test]
async fn a_very_large_board_is_served_whole() {
    let suite = Suite::start().await;
    let tickets: Vec<_> = (1..=5000).map(|id| json!({"id": id, "subject": format!("Ticket {id}")})).collect();
    suite.tickets(json!({ "section4": tickets }));
    assert_eq!(total(&suite).await, (5000, false));
}
