//! Promises of the board's document that no other file of tests is about (docs/beacon-contract.md lists them all).

use hivematrix_shared::auth::PermissionLevel::{Admin, Technician};
use http::Method;
use serde_json::{Value, json};

use crate::common::{Suite, ours};

/// The ticket of the document's sample answer.
fn sample() -> Value {
    json!({
        "id": 12345, "external_id": 12345, "subject": "Password reset request", "requester_name": "John Doe",
        "responder_id": 19_000_234_567_i64, "agent_name": "Jane Smith", "priority": 2, "priority_text": "Medium",
        "priority_raw": 2, "status": 2, "status_text": "Open", "sla_text": "Due in 3h", "sla_color": "orange",
        "group_id": 19_000_123_456_i64, "created_at": "2025-11-22T09:00:00Z", "created_at_str": "Nov 22, 09:00 AM",
        "updated_at": "2025-11-22T09:15:00Z", "updated_at_str": "Nov 22, 09:15 AM", "description": "User unable to login..."
    })
}

#[tokio::test]
async fn the_sample_of_the_document_comes_out_as_it_is_printed_there() {
    let suite = Suite::start().await;
    suite.tickets(json!({"section1": [sample()], "section2": [], "section3": [], "section4": [],
                         "last_sync_time": "2025-11-22T10:30:00Z"}));
    let answer = suite.get("/api/tickets/helpdesk").await.json();
    for (member, value) in sample().as_object().unwrap() {
        assert_eq!(&answer["s1_items"][0][member], value, "{member}");
    }
    for (member, value) in [
        ("s2_items", json!([])),
        ("s3_items", json!([])),
        ("s4_items", json!([])),
        ("total_active_items", json!(1)),
        ("dashboard_generated_time_iso", json!("2025-11-22T10:30:00Z")),
        ("view", json!("Helpdesk")),
        ("section1_name_js", json!("Open Helpdesk Tickets")),
        ("section2_name_js", json!("Customer Replied")),
        ("section3_name_js", json!("Needs Agent / Update Overdue")),
        ("section4_name_js", json!("Other Active Helpdesk Tickets")),
    ] {
        assert_eq!(answer[member], value, "{member}");
    }
}

#[tokio::test]
async fn the_page_has_every_variable_of_the_document() {
    let suite = Suite::start().await;
    suite.tickets(json!({"section1": [sample()], "last_sync_time": "2025-11-22T10:30:00Z"}));
    suite.peers.answer(
        "GET /api/psa/agents",
        200,
        json!([{"id": 123, "external_id": 19_000_234_567_i64, "name": "John Doe", "email": "john@example.com", "active": true}]),
    );
    let template = "https://msp.freshservice.com/helpdesk/tickets/{ticket_id}";
    suite.peers.answer(
        "GET /api/psa/config",
        200,
        json!({"default_provider": "freshservice", "providers": {"freshservice": {
            "ticket_url_template": template, "domain": "msp.freshservice.com", "api_key": "***"}}}),
    );
    let page = suite.get("/helpdesk?agent_id=19000234567").await.text();
    for (variable, expected) in [
        ("s1_items", r#"<tr class="" data-item-id="12345">"#),
        ("dashboard_generated_time_iso", r#"data-last-sync="2025-11-22T10:30:00Z""#),
        ("ticket_base_url", r#"data-ticket-base-url="https://msp.freshservice.com/helpdesk/tickets/""#),
        ("current_view_slug", r#"data-view-slug="helpdesk""#),
        ("current_view_display", r#"data-view-name="Helpdesk""#),
        ("supported_views", r#"href="/professional-services?agent_id=19000234567">Pro Services</a>"#),
        (
            "agent_mapping, selected_agent_id",
            r#"<option value="19000234567" label="John Doe (1)" selected>John Doe"#,
        ),
        ("auto_refresh_ms", r#"data-refresh-ms="60000""#),
        ("version", r#"<span class="version-footer__text">Beacon "#),
        ("stream", r#"data-stream-url="/api/stream/helpdesk""#),
        ("insight", r#"data-insight-url="/insight/helpdesk""#),
    ] {
        assert!(page.contains(expected), "{variable}: {expected} is missing in {page}");
    }
    assert!(!page.contains("***"), "the masked key is never used");
}

#[tokio::test]
async fn each_section_has_the_columns_the_count_and_the_empty_text_of_the_document() {
    let suite = Suite::start().await;
    let page = suite.get("/helpdesk").await.text();
    for (prefix, name, sixth, key) in [
        ("s1", "Open Helpdesk Tickets", "Action / SLA", "sla_text"),
        ("s2", "Customer Replied", "Action / Status", "sla_text"),
        ("s3", "Needs Agent / Update Overdue", "Action / Status", "sla_text"),
        ("s4", "Other Active Helpdesk Tickets", "Status", "status_text"),
    ] {
        let start = page.find(&format!(r#"id="{prefix}-container""#)).unwrap();
        let section = page[start..].split("</section>").next().unwrap();
        assert!(section.contains(name), "{prefix}");
        assert!(section.contains(&format!(r#"id="{prefix}-item-count">0</span>"#)), "{prefix}");
        assert!(section.contains(&format!(r#"<tbody id="{prefix}-items-body">"#)), "{prefix}");
        let empty = format!(
            r#"id="{prefix}-no-items-message" data-empty-text="No tickets currently in this category."#
        );
        assert!(section.contains(&empty), "{prefix}");
        let heads: Vec<_> =
            section.split("data-sort-key=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let expected = [
            "id",
            "subject",
            "requester_name",
            "agent_name",
            "priority_raw",
            key,
            "updated_at_str",
            "created_at_str",
        ];
        assert_eq!(heads, expected, "{prefix}");
        assert!(section.contains(&format!(">{sixth}</button>")), "{prefix}");
    }
}

#[tokio::test]
async fn lists_come_in_the_default_order_of_their_section_on_page_and_in_data() {
    let suite = Suite::start().await;
    let by_age = json!([
        {"id": 1, "created_at": "2025-11-22T09:00:00Z", "updated_at": "2025-11-20T09:00:00Z", "priority": 1, "sla_color": "green"},
        {"id": 2, "created_at": "2025-11-21T09:00:00Z", "updated_at": "2025-11-22T09:00:00Z", "priority": 4, "sla_color": "orange"},
        {"id": 3, "created_at": "2025-11-22T08:00:00Z", "updated_at": "2025-11-21T09:00:00Z", "priority": 4, "sla_color": "red"}
    ]);
    suite.tickets(json!({"section1": by_age, "section2": by_age, "section3": by_age, "section4": by_age}));
    let (page, data) = (suite.get("/helpdesk").await.text(), suite.get("/api/tickets/helpdesk").await.json());
    for (section, order) in [("s1", [2, 3, 1]), ("s2", [1, 3, 2]), ("s3", [3, 2, 1]), ("s4", [1, 3, 2])] {
        let items = data[format!("{section}_items")].as_array().unwrap();
        assert_eq!(
            items.iter().map(|ticket| ticket["id"].as_i64().unwrap()).collect::<Vec<_>>(),
            order,
            "{section}"
        );
        let start = page.find(&format!("id=\"{section}-items-body\"")).unwrap();
        let body = page[start..].split("</tbody>").next().unwrap();
        let rows = body.split("<tr ").skip(1).map(|row| row.split("data-item-id=\"").nth(1).unwrap());
        let rows: Vec<i64> = rows.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
        assert_eq!(rows, order, "{section}");
    }
}

#[tokio::test]
async fn the_priority_filter_takes_one_to_four_and_marks_what_is_selected() {
    let suite = Suite::start().await;
    let ticket = |id: i64, priority: i64| json!({"id": id, "priority": priority, "responder_id": id});
    suite.tickets(json!({"section1": [ticket(1, 1), ticket(2, 2)], "section3": [ticket(4, 4)], "section4": [ticket(44, 4)]}));
    for (query, total, selected) in [
        ("priority=4", 2, Some(4)),
        ("priority=1", 1, Some(1)),
        ("priority=3", 0, Some(3)),
        ("priority=4&agent_id=44", 1, Some(4)),
        ("priority=0", 4, None),
        ("priority=5", 4, None),
        ("priority=urgent", 4, None),
        ("priority=", 4, None),
    ] {
        let data = suite.get(&format!("/api/tickets/helpdesk?{query}")).await.json();
        assert_eq!(data["total_active_items"], total, "{query}");
        let page = suite.get_as(Admin, &format!("/helpdesk?{query}")).await.text();
        assert!(page.contains(&format!(r#"id="total-active-items-count">{total}</span>"#)), "{query}");
        for value in 1..=4 {
            let mark = format!(r#"<option value="{value}" selected>"#);
            assert_eq!(page.contains(&mark), selected == Some(value), "{query} {value}");
        }
    }
}

#[tokio::test]
async fn interval_and_siren_threshold_are_settings() {
    let args = ["--auto-refresh-interval-seconds=120", "--siren-threshold=2"];
    let suite = Suite::start_with(&args).await;
    suite.tickets(ours());
    let page = suite.get("/helpdesk").await.text();
    for expected in [
        r#"data-refresh-ms="120000""#,
        r#"data-siren-threshold="2""#,
        r#"siren--left active" id="siren-left""#,
    ] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn the_number_has_a_colour_from_ninety_on() {
    for (tickets, class) in [
        (89, ""),
        (90, " count-warning"),
        (100, " count-danger"),
        (110, " count-critical"),
        (120, " count-emergency"),
    ] {
        let suite = Suite::start().await;
        let list: Vec<_> = (1..=tickets).map(|id| json!({"id": id})).collect();
        suite.tickets(json!({ "section4": list }));
        let number = format!(
            r#"<span class="summary__n ticket-count-number{class}" id="total-active-items-count">{tickets}<"#
        );
        assert!(suite.get("/helpdesk").await.text().contains(&number), "{tickets}");
    }
}

#[tokio::test]
async fn the_token_may_come_in_the_cookie_and_reads_have_a_head() {
    let suite = Suite::start().await;
    suite.tickets(ours());
    let cookie = format!("access_token={}", suite.identity.user_token(Technician));
    for path in ["/helpdesk", "/api/tickets/helpdesk", "/insight/helpdesk", "/api/stream/helpdesk"] {
        let head = suite.client.request(Method::HEAD, path).header("cookie", &cookie).send().await;
        assert!(head.status.is_success(), "{path} {}", head.status);
        assert!(head.body.is_empty(), "{path}");
    }
    for path in ["/helpdesk", "/api/tickets/helpdesk"] {
        assert_eq!(
            suite.client.request(Method::PUT, path).header("cookie", &cookie).send().await.status,
            405,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_documents_viewer_is_open() {
    let suite = Suite::start().await;
    let mut path = "/docs".to_owned();
    for _ in 0..3 {
        let answer = suite.client.get(&path).header("accept", "text/html").send().await;
        if answer.status.is_redirection() {
            path = answer.header("location").to_owned();
            continue;
        }
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"));
        return;
    }
    panic!("{path} leads nowhere");
}

#[tokio::test]
async fn health_is_200_only_when_all_is_well_and_an_unreachable_peer_is_unhealthy() {
    let suite = Suite::start().await;
    suite.peers.answer("GET /health", 200, json!({"status": "healthy"}));
    let answer = suite.client.get("/health").send().await;
    let body = answer.json();
    assert_eq!(body["service"], "beacon");
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    for peer in ["core", "codex"] {
        let check = &body["checks"]["dependencies"][peer];
        assert_eq!(check["status"], "healthy", "{peer}");
        assert!(check["response_time_ms"].is_number(), "{peer}");
    }
    // The disk of the machine that tests is what it is.
    let disk_is_well = body["checks"]["disk"]["status"] == "healthy";
    let expected = if disk_is_well { (200, json!("healthy")) } else { (503, json!("degraded")) };
    assert_eq!((answer.status.as_u16(), body["status"].clone()), expected);

    let suite = Suite::start_without_but(&["codex"], &["--codex-url=http://127.0.0.1:9"]).await;
    suite.peers.answer("GET /health", 200, json!({"status": "healthy"}));
    let answer = suite.client.get("/health").send().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (503, &json!("unhealthy")));
    assert!(answer.json()["checks"]["dependencies"]["codex"]["error"].is_string());
}

#[tokio::test]
async fn agents_and_settings_are_asked_for_every_five_minutes_and_after_a_failure_every_thirty_seconds() {
    let suite = Suite::start().await;
    suite.peers.answer("GET /api/psa/agents", 200, json!([{"id": 1, "external_id": 7, "name": "Ana"}]));
    let asked = |suite: &Suite| {
        (suite.peers.seen("/api/psa/agents").len(), suite.peers.seen("/api/psa/config").len())
    };
    for (seconds, works, expected) in [
        (0, true, (1, 1)),
        (299, true, (1, 1)),
        (1, false, (2, 2)),
        (29, false, (2, 2)),
        (1, true, (3, 3)),
        (299, true, (3, 3)),
    ] {
        let status = if works { 200 } else { 500 };
        suite.peers.answer(
            "GET /api/psa/agents",
            status,
            json!([{"id": 1, "external_id": 7, "name": "Ana"}]),
        );
        suite.peers.answer("GET /api/psa/config", status, json!({}));
        suite.clock.advance(chrono::TimeDelta::seconds(seconds));
        assert!(
            suite.get("/helpdesk").await.text().contains(r#"<option value="7" label="Ana"#),
            "the old list stays"
        );
        assert_eq!(asked(&suite), expected, "{seconds} {works}");
    }
}

#[tokio::test]
async fn one_answer_is_made_for_all_and_a_page_never_shows_one_user_to_another() {
    let suite = Suite::start().await;
    suite.tickets_tagged(ours(), "\"v1\"");
    let first = suite.get_as(Technician, "/helpdesk").await.text();
    assert_eq!(suite.get_as(Technician, "/helpdesk").await.text(), first);
    for level in ["admin", "technician", "The admin", "example.test"] {
        assert!(!first.contains(&format!("{level}@")) && !first.contains("user-"), "{level}");
    }
    let token = suite.identity.user_token(Technician);
    let below = suite
        .client
        .get("/helpdesk")
        .bearer(&token)
        .header("x-forwarded-prefix", "/beacon")
        .send()
        .await
        .text();
    assert!(below.contains("href=\"/beacon/professional-services\"") && !first.contains("/beacon/"));
}

#[tokio::test]
async fn codex_alone_is_asked_and_one_service_token_serves_all_calls() {
    let suite = Suite::start().await;
    suite.tickets_tagged(ours(), "\"v1\"");
    for _ in 0..3 {
        suite.get("/helpdesk").await;
        suite.clock.advance(chrono::TimeDelta::seconds(6));
    }
    let tokens = suite.peers.seen("/service-token");
    let asked = json!({"calling_service": "beacon", "target_service": "codex"});
    assert_eq!(tokens.iter().map(|seen| &seen.body).collect::<Vec<_>>(), [&asked]);
    let mut used = Vec::new();
    for path in ["/api/tickets/active", "/api/psa/agents", "/api/psa/config", "/api/tickets/active/history"] {
        let seen = suite.peers.seen(path);
        assert!(!seen.is_empty(), "{path}");
        used.extend(seen.iter().map(|request| request.headers["authorization"].clone()));
    }
    used.dedup();
    assert_eq!(used.len(), 1);
}
