//! The insight strip (beacon.md §9).

use std::time::{Duration, Instant};

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
        assert_eq!((a.status.as_u16(), b.status.as_u16(), c.status.as_u16()), (200, 200, 200), "{view}");
        assert!(b.text().contains("id=\"insight\""), "{view}");
        assert_eq!(b.text().contains("Active over 24 hours"), query.is_some(), "{view}");
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
        assert!(page.text().contains("id=\"insight\"") && page.text().contains("data-untold"), "{body}");
        assert_eq!(suite.get("/insight/helpdesk").await.status, 204, "{body}");
    }
    let suite = suite(&[]).await;
    suite.peers.answer(HISTORY, 200, json!({"points": []}));
    for path in ["/helpdesk", "/insight/helpdesk"] {
        assert!(suite.get(path).await.text().contains("There is no history of this view yet."), "{path}");
    }
}

#[tokio::test]
async fn a_view_that_groups_do_not_describe_shows_the_board_as_it_is_and_says_why() {
    let views = r#"--views=[{"slug":"tags","name":"T","tags":["x"]},{"slug":"week","name":"W","window_days":7},
        {"slug":"professional-services","name":"P"}]"#;
    let suite = suite(&[views]).await;
    suite.peers.answer("GET /api/psa/config", 200, json!({"default_provider": "superops"}));
    let ticket = |id: i64, agent: Option<i64>| json!({"id": id, "tags": ["x"], "responder_id": agent, "updated_at": "2025-11-22T10:00:00Z"});
    suite.tickets(json!({"section1": [ticket(1, Some(7)), ticket(2, Some(8))], "section3": [ticket(3, Some(7))], "section4": [{"id": 4}]}));
    for (view, words, why) in [
        ("tags", "3 active: 1 need an agent, 0 customer replied, 2 open, 0 other.", "this view goes by tags"),
        (
            "week",
            "4 active: 1 need an agent, 0 customer replied, 2 open, 1 other.",
            "this view has a date window",
        ),
        ("professional-services", "No active ticket has an agent.", "No group of this view is known"),
    ] {
        let fragment = suite.get(&format!("/insight/{view}")).await.text();
        for expected in [words, why, "aria-label=\"The view now\""] {
            assert!(fragment.contains(expected), "{view}: {expected} in {fragment}");
        }
        // An agent's filter does not change what is told of the view.
        let page = suite.get(&format!("/{view}?agent_id=7")).await.text();
        assert!(page.contains(&fragment), "{view}");
        assert!(!page.contains("summary__key"), "colours that stand for nothing");
    }
    let loads = suite.get("/insight/tags").await.text();
    assert!(loads.contains("Ana &#60;i&#62;Q&#60;/i&#62;: 2, Agent 8: 1"), "{loads}");
    assert!(suite.peers.seen("/api/tickets/active/history").is_empty(), "nobody asks in vain");
}

#[tokio::test]
async fn the_page_does_not_wait_for_a_slow_history_which_comes_later() {
    let suite = suite(&[]).await;
    suite.tickets(json!({"section1": [{"id": 1}]}));
    let held = suite.peers.hold(HISTORY);
    let began = Instant::now();
    let page = suite.get("/helpdesk").await.text();
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    assert!(page.contains("data-untold") && page.contains("cannot be told just now"), "{page}");
    held.notify_one();
    let fragment = suite.get("/insight/helpdesk").await;
    assert_eq!(fragment.status, 200);
    assert!(fragment.text().contains("14 active"));
    assert_eq!(suite.peers.seen("/api/tickets/active/history").len(), 1, "the first request went on");
    // The same tickets in the same minute, but now the day is known.
    let page = suite.get("/helpdesk").await.text();
    assert!(page.contains("14 active") && !page.contains("data-untold"));
}

#[tokio::test]
async fn no_history_an_empty_one_and_one_with_points_are_three_pages() {
    let suite = suite(&[]).await;
    for (seconds, status, history, expected) in [
        (0, 500, json!({}), "data-untold"),
        (30, 200, json!({"points": []}), "There is no history of this view yet."),
        (60, 200, history(), "14 active"),
    ] {
        suite.peers.answer(HISTORY, status, history);
        suite.clock.advance(TimeDelta::seconds(seconds));
        assert!(suite.get("/helpdesk").await.text().contains(expected), "{expected}");
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
