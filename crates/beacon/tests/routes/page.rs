//! The page (beacon.md §5, §8, §11).

use crate::common::Suite;
use chrono::TimeDelta;
use hivematrix_shared::auth::PermissionLevel;
use serde_json::json;

fn board() -> serde_json::Value {
    json!({
        "section1": [
            {"id": 1, "external_id": 101, "subject": "<script>alert(1)</script> & \"quotes\"",
             "requester_name": "<b>Eve</b>", "responder_id": 7, "agent_name": "Ana \"><img src=x>",
             "priority": 4, "priority_text": "Urgent", "sla_text": "Due in <i>3h</i>", "sla_color": "orange",
             "sla_class": "sla-critical", "fr_due_by_str": "2025-11-22T13:30:00Z",
             "created_at": "2025-11-22T09:00:00Z", "updated_at": "2025-11-22T09:15:00Z"}
        ],
        "section3": [{"id": 3, "external_id": 103, "sla_color": "red", "sla_text": "Overdue by 2h", "sla_class": "sla-overdue"}],
        "section4": [{"id": 4, "external_id": 104, "sla_text": "On Hold (2h ago)", "status_text": "On Hold"}],
        "last_sync_time": "2025-11-22T10:28:00Z"
    })
}

async fn suite_with_board() -> Suite {
    let suite = Suite::start().await;
    suite.tickets(board());
    suite.peers.answer(
        "GET /api/psa/agents",
        200,
        json!([{"id": 1, "external_id": 7, "name": "Ana"}, {"id": 2, "external_id": 8, "name": "Bo", "active": false}]),
    );
    suite.peers.answer(
        "GET /api/psa/config",
        200,
        json!({"default_provider": "freshservice", "providers": {"freshservice": {
            "ticket_url_template": "https://msp.example/a/tickets/{ticket_id}"}}}),
    );
    suite
}

#[tokio::test]
async fn rows_are_complete_without_the_script() {
    let page = suite_with_board().await.get("/helpdesk").await.text();
    for expected in [
        "<title>Helpdesk Dashboard - HiveMatrix</title>",
        ">Beacon - Ticket Dashboard</h1>",
        r#"<a href="https://msp.example/a/tickets/101" target="_blank" rel="noopener noreferrer">#101</a>"#,
        r#"data-value-priority_raw="4"><span class="badge badge--urgent priority-badge priority-badge--urgent">Urgent"#,
        r#"class="sla sla--orange sla-status sla-critical""#,
        r#"data-utc-datetime="2025-11-22T13:30:00Z" data-prefix="FR Due: ">FR Due: <span class="local-datetime">Nov 22, 01:30 PM"#,
        r#"<tr class="row--attention is-overdue" data-item-id="3">"#,
        r#"data-value-status_text="On Hold""#,
        r#"id="total-active-items-count">3</span>"#,
        r#"id="dashboard-generated-time">Nov 22, 2025 10:28 AM</span>"#,
        r#"<option value="7" label="Ana (1)">Ana</option>"#,
        r#"data-ticket-base-url="https://msp.example/a/tickets/""#,
    ] {
        assert!(page.contains(expected), "{expected} is missing in {page}");
    }
    // Two empty-state texts are there in any case; that of the empty section is the one that shows.
    assert!(
        page.contains("No tickets currently in this category. No tickets currently have a customer reply.")
    );
}

#[tokio::test]
async fn nothing_of_a_ticket_becomes_markup() {
    let page = suite_with_board().await.get("/helpdesk").await.text();
    for hostile in ["<script>alert", "<b>Eve", "<img src=x", "<i>3h", "\"quotes\""] {
        assert!(!page.contains(hostile), "{hostile}");
    }
    assert!(page.contains("&#60;script&#62;alert(1)"));
}

#[tokio::test]
async fn the_page_works_under_a_strict_content_security_policy() {
    let page = suite_with_board().await.get("/helpdesk").await.text();
    let scripts: Vec<_> = page.match_indices("<script").map(|(at, _)| &page[at..at + 40]).collect();
    assert_eq!(scripts.len(), 1);
    assert!(scripts[0].starts_with(r#"<script type="module" src="/static/js/"#), "{scripts:?}");
    for inline in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn links_carry_the_gateways_prefix_and_tabs_keep_what_is_selected() {
    let suite = suite_with_board().await;
    for (query, kept) in [
        ("", ""),
        ("?agent_id=8", "?agent_id=8"),
        ("?priority=4", "?priority=4"),
        ("?agent_id=8&priority=4", "?agent_id=8&#38;priority=4"),
        ("?priority=4&agent_id=0&rows=all", "?agent_id=0&#38;priority=4&#38;rows=all"),
        ("?priority=9&agent_id=x&rows=some", ""),
    ] {
        let page = suite.get(&format!("/helpdesk{query}")).await.text();
        assert!(page.contains(&format!(r#"href="/professional-services{kept}">Pro Services"#)), "{query}");
    }
    let token = suite.identity.user_token(PermissionLevel::Technician);
    let request = suite.client.get("/helpdesk?agent_id=8").bearer(&token);
    let page = request.header("x-forwarded-prefix", "/beacon").send().await.text();
    for expected in [
        r#"href="/beacon/professional-services?agent_id=8""#,
        r#"<link rel="modulepreload" href="/beacon/static/js/section.js">"#,
        r#"data-api-url="/beacon/api/tickets/helpdesk""#,
        r#"src="/beacon/static/js/main.js"#,
        r#"<option value="8" label="Bo (0)" selected>Bo</option>"#,
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    for (prefix, location) in [(None, "/helpdesk"), (Some("/beacon"), "/beacon/helpdesk")] {
        let mut request = suite.client.get("/");
        if let Some(prefix) = prefix {
            request = request.header("x-forwarded-prefix", prefix);
        }
        let answer = request.send().await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, location));
    }
}

#[tokio::test]
async fn the_page_is_never_kept_by_the_browser() {
    assert_eq!(suite_with_board().await.get("/helpdesk").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn sync_is_offered_to_those_who_may() {
    let suite = suite_with_board().await;
    for (level, offered) in [
        (PermissionLevel::Admin, true),
        (PermissionLevel::Technician, true),
        (PermissionLevel::Billing, false),
    ] {
        let page = suite.get_as(level, "/helpdesk").await.text();
        assert_eq!(page.contains("id=\"sync-tickets-btn\""), offered, "{level}");
    }
}

#[tokio::test]
async fn sirens_are_on_from_the_first_paint_above_the_threshold() {
    for (tickets, on) in [(30, false), (31, true)] {
        let suite = Suite::start().await;
        let section: Vec<_> = (1..=tickets).map(|id| json!({"id": id})).collect();
        suite.tickets(json!({"section1": section}));
        let page = suite.get("/helpdesk").await.text();
        for side in ["left", "right"] {
            let active = if on { " active" } else { "" };
            let siren = format!(r#"class="siren siren--{side}{active}" id="siren-{side}""#);
            assert!(page.contains(&siren), "{siren} with {tickets}");
        }
    }
}

#[tokio::test]
async fn an_outage_leaves_the_page_with_the_last_rows_and_a_banner() {
    let suite = suite_with_board().await;
    assert!(!suite.get("/helpdesk").await.text().contains("id=\"error-banner\""));
    suite.peers.answer("GET /api/tickets/active", 502, json!({}));
    suite.clock.advance(TimeDelta::seconds(60));
    let page = suite.get("/helpdesk").await;
    assert_eq!(page.status, 200);
    for expected in [
        "id=\"error-banner\"",
        "Unable to fetch tickets from Codex. The service may be unavailable.",
        "datetime=\"2025-11-22T10:30:00Z\"",
        "data-item-id=\"1\"",
    ] {
        assert!(page.text().contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn with_everything_away_the_page_still_renders() {
    let suite = Suite::start().await;
    suite.peers.answer("POST /service-token", 500, json!({}));
    let page = suite.get("/helpdesk").await;
    assert_eq!(page.status, 200);
    for expected in ["data-no-data", "id=\"error-banner\"", "cannot be loaded at the moment", ">Never<"] {
        assert!(page.text().contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn tickets_before_the_end_of_the_first_sync_say_so() {
    let note = |text: &str| format!(r#"id="last-sync-age">{text}</span>"#);
    for (board, text) in [
        (json!({"section4": [{"id": 4}], "last_sync_time": null}), "the first sync is not complete yet"),
        (json!({"section4": [], "last_sync_time": null}), ""),
        (board(), ""),
    ] {
        let suite = Suite::start().await;
        suite.tickets(board.clone());
        let page = suite.get("/helpdesk").await.text();
        assert!(page.contains(&note(text)), "{board}");
    }
}

#[tokio::test]
async fn without_a_template_ids_have_no_link() {
    let suite = Suite::start().await;
    suite.tickets(board());
    let page = suite.get("/helpdesk").await.text();
    assert!(page.contains(r#"data-value-id="101">#101</td>"#));
}

#[tokio::test]
async fn a_browser_gets_a_page_for_an_unknown_view() {
    let suite = Suite::start().await;
    let token = suite.identity.user_token(PermissionLevel::Admin);
    let answer = suite.client.get("/none").bearer(token).header("accept", "text/html").send().await;
    assert_eq!(answer.status, 404);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert!(answer.text().contains("Unsupported view: none"));
}

#[tokio::test]
async fn health_is_open_and_503_while_a_peer_is_in_trouble() {
    let suite = Suite::start().await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(suite.client.get(path).send().await.status, 200, "{path}");
    }
    suite.peers.answer("GET /health", 500, json!({}));
    let answer = suite.client.get("/health").send().await;
    assert_eq!(answer.status, 503);
    let body = answer.json();
    assert_eq!((&body["service"], &body["status"]), (&json!("beacon"), &json!("degraded")));
    for peer in ["core", "codex"] {
        let check = &body["checks"]["dependencies"][peer];
        assert_eq!((&check["status"], &check["http_status"]), (&json!("degraded"), &json!(500)), "{peer}");
    }
    for figure in ["free_gb", "total_gb", "usage_percent"] {
        assert!(body["checks"]["disk"][figure].is_number(), "{figure}");
    }
}

#[tokio::test]
async fn every_route_is_documented() {
    let document = Suite::start().await.client.get("/static/openapi.json").send().await.json();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    for path in [
        "/",
        "/{view_slug}",
        "/insight/{view_slug}",
        "/displays",
        "/api/tickets/{view_slug}",
        "/api/stream/{view_slug}",
        "/api/sync/tickets",
        "/api/sync/status/{job_id}",
        "/api/displays",
        "/api/displays/{id}",
        "/display",
        "/display/{view_slug}",
        "/display/{view_slug}/tickets",
        "/display/{view_slug}/stream",
        "/health",
    ] {
        assert!(paths.iter().any(|documented| documented == path), "{path} in {paths:?}");
    }
    let members = &document["components"]["schemas"]["BoardAnswer"]["properties"];
    for member in
        ["s1_items", "total_active_items", "dashboard_generated_time_iso", "section1_name_js", "stale"]
    {
        assert!(members[member].is_object(), "{member}");
    }
}

#[tokio::test]
async fn scripts_and_documents_are_served_without_a_token() {
    let suite = Suite::start().await;
    for (path, kind) in [
        ("/static/js/main.js", "text/javascript"),
        ("/static/js/rows.js", "text/javascript"),
        ("/static/openapi.json", "application/json"),
        ("/apispec.json", "application/json"),
    ] {
        let answer = suite.client.get(path).send().await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with(kind), "{path}");
    }
    assert_eq!(suite.client.request(http::Method::DELETE, "/api/tickets/helpdesk").send().await.status, 405);
}

#[tokio::test]
async fn a_long_section_is_folded_and_each_of_its_tickets_has_a_row() {
    for (tickets, complete) in [(100, 100), (101, 100), (1_000, 100)] {
        let suite = Suite::start().await;
        let section: Vec<_> = (1..=tickets).map(|id| json!({"id": id, "subject": "Printer"})).collect();
        suite.tickets(json!({"section4": section}));
        let page = suite.get("/helpdesk").await.text();
        let body = page.split_once("id=\"s4-items-body\"").unwrap().1.split("</tbody>").next().unwrap();
        assert_eq!(body.matches("<tr").count(), tickets, "the recipe of the document counts rows");
        assert_eq!(body.matches("class=\"modal-trigger\"").count(), complete, "{tickets}");
        let fold = if tickets > complete { "id=\"s4-more\"><span>" } else { "id=\"s4-more\" hidden>" };
        assert!(page.contains(fold), "{tickets}");
    }
}

#[tokio::test]
async fn without_the_script_a_link_leads_to_all_rows() {
    let suite = Suite::start().await;
    let section: Vec<_> = (1..=250)
        .map(|id| json!({"id": id, "subject": "Printer", "responder_id": 8, "priority": 4}))
        .collect();
    suite.tickets(json!({"section4": section}));
    let page = suite.get("/helpdesk?agent_id=8").await.text();
    let link = r##"<noscript><a class="btn btn--sm" href="/helpdesk?agent_id=8&#38;rows=all#s4-container">Show all</a></noscript>"##;
    assert!(page.contains(link), "{page}");
    let all = suite.get("/helpdesk?agent_id=8&rows=all").await.text();
    let body = all.split_once("id=\"s4-items-body\"").unwrap().1.split("</tbody>").next().unwrap();
    assert_eq!(body.matches("class=\"modal-trigger\"").count(), 250);
    assert!(all.contains("id=\"s4-more\" hidden>"));
}

#[tokio::test]
async fn the_count_stands_in_the_head_of_the_page() {
    let page = suite_with_board().await.get("/helpdesk").await.text();
    let head = page.split_once("<header id=\"board-head\">").unwrap().1.split("</header>").next().unwrap();
    for expected in
        ["<h1", "id=\"siren-left\"", "id=\"total-active-items-count\"", "id=\"siren-right\"", "Total Active"]
    {
        assert!(head.contains(expected), "{expected} in {head}");
    }
}

#[tokio::test]
async fn the_pages_script_finds_what_its_globals_are_made_of() {
    let page = suite_with_board().await.get("/professional-services").await.text();
    for expected in [
        r#"data-ticket-base-url="https://msp.example/a/tickets/""#,
        r#"data-ticket-url-template="https://msp.example/a/tickets/{ticket_id}""#,
        r#"data-view-slug="professional-services""#,
        r#"data-view-name="Professional Services""#,
    ] {
        assert!(page.contains(expected), "{expected}");
    }
}
