//! The insight strip (beacon.md §9).

use chrono::TimeDelta;
use hivematrix_shared::auth::PermissionLevel::{Billing, Client};
use serde_json::{Value, json};

use crate::common::Suite;

const HISTORY: &str = "GET /api/tickets/active/history";

fn history() -> Value {
    let point = |at: &str, open: i64, breached: i64| {
        json!({"at": at, "section1": open, "section2": 2, "section3": 3, "section4": 4, "breached": breached,
               "agents": {"7": open, "8": 1}})
    };
    json!({"points": [point("2025-11-21T11:00:00Z", 1, 0), point("2025-11-22T10:00:00Z", 9, 5), point("2025-11-22T10:25:00Z", 5, 2)]})
}

async fn suite(args: &[&str]) -> Suite {
    let suite = Suite::start_with(args).await;
    suite.peers.answer(HISTORY, 200, history());
    suite.peers.answer(
        "GET /api/psa/agents",
        200,
        json!([{"id": 1, "external_id": 7, "name": "Ana <i>Q</i>"}]),
    );
    suite
}

#[tokio::test]
async fn page_and_fragment_show_the_same_strip_in_pictures_and_words() {
    let suite = suite(&[]).await;
    let fragment = suite.get_as(Billing, "/insight/helpdesk").await;
    assert_eq!((fragment.status.as_u16(), fragment.header("cache-control")), (200, "no-store"));
    assert!(fragment.header("content-type").starts_with("text/html"));
    let fragment = fragment.text();
    insta::assert_snapshot!(fragment);
    assert!(suite.get("/helpdesk").await.text().contains(&fragment));
    for expected in [
        "14 active: 3 need an agent, 2 customer replied, 5 open, 4 other. Most in the last 24 hours: 18, 30 m ago.",
        "Most breached tickets at once, by hour: last hour 5.",
        "Ana &#60;i&#62;Q&#60;/i&#62;: 5, Agent 8: 1",
    ] {
        assert!(fragment.contains(expected), "{expected}");
    }
    assert!(!fragment.contains("<i>Q") && !fragment.contains(" style="));
}

#[tokio::test]
async fn each_view_asks_for_its_own_groups_once_a_minute() {
    let views = r#"--views=[{"slug":"helpdesk","name":"H"},{"slug":"professional-services","name":"P"},
        {"slug":"boards","name":"B","group_ids":[5,6]},{"slug":"all","name":"A"},{"slug":"tags","name":"T","tags":["x"]}]"#;
    let suite = suite(&[views, "--professional-services-group-ids=1,2"]).await;
    for (view, query) in [
        ("helpdesk", Some("group_ids=1%2C2&exclude=true")),
        ("professional-services", Some("group_ids=1%2C2&exclude=false")),
        ("boards", Some("group_ids=5%2C6&exclude=false")),
        ("all", Some("")),
        ("tags", None),
    ] {
        let before = suite.peers.seen("/api/tickets/active/history").len();
        let (a, b) = (format!("/insight/{view}"), format!("/{view}"));
        let (a, b, c) = tokio::join!(suite.get(&a), suite.get(&b), suite.get(&a));
        let asked: Vec<_> =
            suite.peers.seen("/api/tickets/active/history").drain(before..).map(|seen| seen.query).collect();
        assert_eq!(asked, query.into_iter().map(str::to_owned).collect::<Vec<_>>(), "{view}");
        let status = if query.is_some() { 200 } else { 204 };
        assert_eq!(
            (a.status.as_u16(), b.status.as_u16(), c.status.as_u16()),
            (status, 200, status),
            "{view}"
        );
        assert_eq!(b.text().contains("id=\"insight\""), query.is_some(), "{view}");
    }
    let asked = suite.peers.seen("/api/tickets/active/history").len();
    suite.clock.advance(TimeDelta::seconds(59));
    suite.get("/insight/all").await;
    assert_eq!(suite.peers.seen("/api/tickets/active/history").len(), asked);
    suite.clock.advance(TimeDelta::seconds(1));
    suite.get("/insight/all").await;
    assert_eq!(suite.peers.seen("/api/tickets/active/history").len(), asked + 1);
}

#[tokio::test]
async fn without_a_history_the_board_is_there_all_the_same() {
    for (status, body) in
        [(404, "{}"), (500, "x"), (200, "[]"), (200, "{\"points\": 5}"), (200, "{\"points\": [{}]}")]
    {
        let suite = suite(&[]).await;
        suite.peers.answer_text(HISTORY, status, body, None);
        let page = suite.get("/helpdesk").await;
        assert_eq!(page.status, 200, "{body}");
        assert!(!page.text().contains("id=\"insight\""), "{body}");
        assert_eq!(suite.get("/insight/helpdesk").await.status, 204, "{body}");
    }
    let suite = suite(&[]).await;
    suite.peers.answer(HISTORY, 200, json!({"points": []}));
    for path in ["/helpdesk", "/insight/helpdesk"] {
        assert!(suite.get(path).await.text().contains("There is no history of this view yet."), "{path}");
    }
}

#[tokio::test]
async fn the_last_history_stays_while_codex_is_away() {
    let suite = suite(&[]).await;
    assert_eq!(suite.get("/insight/helpdesk").await.status, 200);
    suite.peers.answer(HISTORY, 500, json!({}));
    suite.clock.advance(TimeDelta::seconds(300));
    let fragment = suite.get("/insight/helpdesk").await;
    assert_eq!(fragment.status, 200);
    assert!(fragment.text().contains("14 active"));
}

#[tokio::test]
async fn the_fragment_is_for_those_who_see_the_board() {
    let suite = suite(&[]).await;
    assert_eq!(suite.get_as(Client, "/insight/helpdesk").await.status, 403);
    assert_eq!(suite.client.get("/insight/helpdesk").send().await.status, 401);
    let unknown = suite.get("/insight/none").await;
    assert_eq!((unknown.status.as_u16(), &unknown.json()["error"]), (404, &json!("Unsupported view: none")));
}

#[tokio::test]
async fn an_open_page_may_refresh_its_strip_all_day() {
    let suite = suite(&[]).await;
    for n in 0..60 {
        assert_eq!(suite.get("/insight/helpdesk").await.status, 200, "{n}");
    }
}
