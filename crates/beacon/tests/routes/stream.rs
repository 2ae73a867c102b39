//! `GET /api/stream/{view_slug}` (beacon.md §4).

use chrono::TimeDelta;
use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::Method;
use serde_json::{Value, json};

use crate::{
    common::{Suite, ours, within},
    events::Events,
};

async fn suite() -> Suite {
    suite_with(&[]).await
}

async fn suite_with(args: &[&str]) -> Suite {
    let suite = Suite::start_with(args).await;
    suite.tickets_tagged(ours(), "\"v1\"");
    suite.beacon.start_jobs();
    suite
}

async fn open(suite: &Suite, path: &str) -> Events {
    let token = format!("Bearer {}", suite.identity.user_token(Technician));
    let events = Events::open(suite, path, &[("authorization", &token)]).await;
    assert_eq!(events.status, 200, "{path}");
    events
}

fn one_ticket(id: i64) -> Value {
    json!({"section1": [{"id": id, "subject": "line one\nline two\r\n\u{2028}data: x\n\nevent: y"}]})
}

#[tokio::test]
async fn the_event_is_the_json_of_the_view_and_its_id_the_entity_tag() {
    let suite = suite().await;
    let polled = suite.get("/api/tickets/helpdesk").await;
    let mut events = open(&suite, "/api/stream/helpdesk").await;
    for (name, value) in [("content-type", "text/event-stream"), ("cache-control", "no-cache, no-store")] {
        assert_eq!(events.headers[name], value);
    }
    assert!(
        !events.headers.contains_key("content-encoding") && !events.headers.contains_key("content-length")
    );
    assert_eq!(events.block().await.unwrap(), "retry: 2000\n\n");
    let event = events.next().await.unwrap();
    assert_eq!(event.kind, "tickets");
    assert_eq!(event.text, polled.text());
    assert_eq!(event.id, polled.header("etag"));
    assert_eq!(event.data["stale"], json!(false));
    assert_eq!(event.data["generated_at"], "2025-11-22T10:30:00Z");
}

#[tokio::test]
async fn each_change_is_one_event_and_filters_hold() {
    let suite = suite().await;
    let mut all = open(&suite, "/api/stream/helpdesk").await;
    let mut agents = open(&suite, "/api/stream/helpdesk?agent_id=19000234567").await;
    let mut urgent = open(&suite, "/api/stream/helpdesk?priority=4").await;
    let mut other = open(&suite, "/api/stream/professional-services").await;
    let totals = async |streams: [&mut Events; 4]| {
        let mut totals = Vec::new();
        for stream in streams {
            totals.push(stream.next().await.unwrap().data["total_active_items"].as_i64().unwrap());
        }
        totals
    };
    assert_eq!(totals([&mut all, &mut agents, &mut urgent, &mut other]).await, [3, 2, 0, 1]);
    let changed = json!({"section1": [
        {"id": 1, "responder_id": 19_000_234_567_i64, "priority": 4}, {"id": 2, "group_id": 19_000_234_009_i64},
        {"id": 3, "priority": 4}
    ]});
    suite.tickets_tagged(changed, "\"v2\"");
    assert_eq!(totals([&mut all, &mut agents, &mut urgent, &mut other]).await, [2, 1, 2, 1]);
}

#[tokio::test]
async fn text_of_a_ticket_cannot_break_out_of_its_event() {
    let suite = suite().await;
    suite.tickets(one_ticket(1));
    let mut events = open(&suite, "/api/stream/helpdesk").await;
    let event = events.next().await.unwrap();
    assert_eq!(event.data["s1_items"][0]["subject"], one_ticket(1)["section1"][0]["subject"]);
}

#[tokio::test]
async fn what_the_reader_has_already_does_not_come_again() {
    let suite = suite().await;
    let seen = open(&suite, "/api/stream/helpdesk").await.next().await.unwrap().id;
    let token = format!("Bearer {}", suite.identity.user_token(Billing));
    let resume = |last: &str| {
        let headers = [("authorization", token.clone()), ("last-event-id", last.to_owned())];
        async move |suite: &Suite| {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            Events::open(suite, "/api/stream/helpdesk", &headers).await
        }
    };
    assert_eq!(resume("another")(&suite).await.next().await.unwrap().id, seen);
    // It may come from the poll as well as from another stream.
    let polled = suite.get("/api/tickets/helpdesk").await.header("etag").to_owned();
    let mut current = resume(&polled)(&suite).await;
    let polls = suite.peers.seen("/api/tickets/active").len();
    assert_eq!(current.block().await.unwrap(), "retry: 2000\n\n");
    suite.peers.until_seen("/api/tickets/active", polls + 2).await;
    suite.tickets_tagged(one_ticket(7), "\"v2\"");
    assert_eq!(
        current.next().await.unwrap().data["s1_items"][0]["id"],
        7,
        "the very next event is the change"
    );
}

#[tokio::test]
async fn two_hundred_readers_cost_one_fetch_for_each_change() {
    let suite = suite_with(&["--rate-limit-scale=10"]).await;
    let mut readers = Vec::new();
    for n in 0..200 {
        let view = ["helpdesk", "professional-services"][n % 2];
        readers.push(open(&suite, &format!("/api/stream/{view}")).await);
    }
    for reader in &mut readers {
        reader.next().await.unwrap();
    }
    for version in 2..5 {
        let both =
            json!({"section1": [{"id": version}, {"id": 100 + version, "group_id": 19_000_234_009_i64}]});
        suite.tickets_tagged(both, &format!("\"v{version}\""));
        for reader in &mut readers {
            let event = reader.next().await.unwrap();
            assert_eq!(event.data["s1_items"][0]["id"].as_i64().unwrap() % 100, version);
        }
    }
    let tags: Vec<_> = suite
        .peers
        .seen("/api/tickets/active")
        .iter()
        .map(|seen| seen.headers.get("if-none-match").map(|tag| tag.to_str().unwrap().to_owned()))
        .collect();
    // A request that names another tag than the one before came after a whole answer: one for each version.
    assert_eq!(tags.iter().filter(|tag| tag.is_none()).count(), 1, "the first one is for all");
    let mut versions = tags.clone();
    versions.dedup();
    let expected = [None, Some("\"v1\""), Some("\"v2\""), Some("\"v3\""), Some("\"v4\"")];
    let fetched: Vec<_> = versions.iter().map(Option::as_deref).collect();
    assert!(fetched == expected || fetched == expected[..4], "{versions:?}");
}

#[tokio::test]
async fn codex_is_asked_only_while_somebody_watches() {
    let suite = suite().await;
    let mut events = open(&suite, "/api/stream/helpdesk").await;
    events.next().await.unwrap();
    suite.peers.until_seen("/api/tickets/active", 3).await;
    drop(events);
    let asked = suite.peers.seen("/api/tickets/active").len();
    // Nothing happens, so there is nothing to wait for; a round that was under way may end.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(suite.peers.seen("/api/tickets/active").len() <= asked + 1);
    let mut again = open(&suite, "/api/stream/helpdesk").await;
    again.next().await.unwrap();
    suite.peers.until_seen("/api/tickets/active", asked + 3).await;
}

#[tokio::test]
async fn an_outage_and_its_end_are_events() {
    let suite = suite().await;
    let mut events = open(&suite, "/api/stream/helpdesk").await;
    let first = events.next().await.unwrap();
    suite.peers.answer("GET /api/tickets/active", 500, json!({}));
    let away = events.next().await.unwrap();
    assert_eq!((&away.data["stale"], &away.data["total_active_items"]), (&json!(true), &json!(3)));
    assert!(away.data["error"].as_str().unwrap().starts_with("Unable to fetch tickets"));
    suite.tickets_tagged(ours(), "\"v1\"");
    let back = events.next().await.unwrap();
    assert_eq!((&back.data["stale"], &back.data["error"]), (&json!(false), &Value::Null));
    assert_eq!(back.id, first.id, "the same board has the same id");
}

#[tokio::test]
async fn before_the_first_answer_the_event_says_that_nothing_is_known() {
    let suite = suite().await;
    suite.peers.answer("GET /api/tickets/active", 500, json!({}));
    let mut events = open(&suite, "/api/stream/helpdesk").await;
    let unknown = events.next().await.unwrap();
    assert_eq!((&unknown.data["stale"], &unknown.data["total_active_items"]), (&json!(false), &json!(0)));
    assert!(unknown.data["error"].is_string());
    suite.tickets(ours());
    assert_eq!(events.next().await.unwrap().data["total_active_items"], 3);
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let suite = suite().await;
    let mut of_technician = open(&suite, "/api/stream/helpdesk").await;
    let token = format!("Bearer {}", suite.identity.user_token(Admin));
    let mut of_admin = Events::open(&suite, "/api/stream/helpdesk", &[("authorization", &token)]).await;
    of_technician.next().await.unwrap();
    of_admin.next().await.unwrap();
    suite.context.auth.revocations().insert("session-technician", suite.clock.unix() + 3600);
    assert!(of_technician.next().await.is_none());
    suite.tickets_tagged(one_ticket(8), "\"v2\"");
    assert_eq!(of_admin.next().await.unwrap().data["total_active_items"], 1, "others go on");
    suite.clock.advance(TimeDelta::seconds(3600));
    while of_admin.next().await.is_some() {}
}

#[tokio::test]
async fn a_service_may_read_the_stream_until_its_token_expires() {
    let suite = suite().await;
    let token = format!("Bearer {}", suite.identity.service_token("brainhair", "beacon"));
    let mut events = Events::open(&suite, "/api/stream/helpdesk", &[("authorization", &token)]).await;
    events.next().await.unwrap();
    suite.clock.advance(TimeDelta::seconds(301));
    while events.next().await.is_some() {}
}

#[tokio::test]
async fn a_stop_ends_all_streams_at_once() {
    let suite = suite().await;
    let mut busy = open(&suite, "/api/stream/helpdesk").await;
    busy.next().await.unwrap();
    // One that waits for the first answer of a Codex that does not come.
    suite.peers.hold("GET /api/tickets/active");
    suite.clock.advance(TimeDelta::seconds(60));
    let mut waiting = open(&suite, "/api/stream/helpdesk?agent_id=5").await;
    suite.context.shutdown.cancel();
    assert!(busy.next().await.is_none());
    within(async { while waiting.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn a_slow_reader_gets_the_newest_board_and_none_between() {
    let suite = suite().await;
    let mut slow = open(&suite, "/api/stream/helpdesk").await;
    let mut quick = open(&suite, "/api/stream/helpdesk").await;
    slow.next().await.unwrap();
    quick.next().await.unwrap();
    for version in 2..30 {
        suite.tickets_tagged(one_ticket(version), &format!("\"v{version}\""));
        assert_eq!(quick.next().await.unwrap().data["s1_items"][0]["id"], version);
    }
    assert_eq!(slow.next().await.unwrap().data["s1_items"][0]["id"], 29);
}

#[tokio::test]
async fn who_may_read_is_as_for_the_data() {
    let suite = suite().await;
    for (level, path, status) in [
        (Some(Client), "/api/stream/helpdesk", 403),
        (None, "/api/stream/helpdesk", 401),
        (Some(Billing), "/api/stream/none", 404),
    ] {
        let token = level.map(|level| format!("Bearer {}", suite.identity.user_token(level)));
        let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
        let mut refused = Events::open(&suite, path, &headers).await;
        assert_eq!(refused.status, status, "{path} {level:?}");
        assert_eq!(refused.headers["content-type"], "application/problem+json");
        assert!(refused.block().await.is_none());
    }
    let token = suite.identity.user_token(Admin);
    let wrong = suite.client.request(Method::POST, "/api/stream/helpdesk").bearer(&token).send().await;
    assert_eq!(wrong.status, 405);
}

#[tokio::test]
async fn an_event_of_the_stream_makes_the_next_poll_a_304() {
    let suite = suite().await;
    let mut events = open(&suite, "/api/stream/helpdesk").await;
    events.next().await.unwrap();
    suite.tickets_tagged(one_ticket(7), "\"v2\"");
    let pushed = events.next().await.unwrap();
    let token = suite.identity.user_token(Technician);
    let poll = suite.client.get("/api/tickets/helpdesk").bearer(token).header("if-none-match", &pushed.id);
    assert_eq!(poll.send().await.status, 304);
}

/// Opens streams, each of which ends at once, until one is refused.
async fn openings_until_refused(suite: &Suite, most: usize) -> (usize, Events) {
    let token = format!("Bearer {}", suite.identity.user_token(Technician));
    for n in 0..most {
        let events = Events::open(suite, "/api/stream/helpdesk", &[("authorization", &token)]).await;
        if events.status != 200 {
            return (n, events);
        }
    }
    panic!("{most} streams were opened");
}

#[tokio::test]
async fn streams_are_no_polls_and_opening_them_has_a_limit_of_its_own() {
    let suite = suite().await;
    let (opened, refused) = openings_until_refused(&suite, 400).await;
    assert!(opened >= 120, "{opened}");
    assert_eq!(refused.status, 429);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(suite.get("/api/tickets/helpdesk").await.status, 200, "the poll is counted by itself");
    open_as_admin(&suite).await;
}

async fn open_as_admin(suite: &Suite) -> Events {
    let token = format!("Bearer {}", suite.identity.user_token(Admin));
    let events = Events::open(suite, "/api/stream/helpdesk", &[("authorization", &token)]).await;
    assert_eq!(events.status, 200, "others have places of their own");
    events
}

#[tokio::test]
async fn one_caller_holds_twenty_streams_at_most() {
    for (args, most) in [(&[][..], 20), (&["--rate-limit-scale=2"], 40)] {
        let suite = suite_with(args).await;
        let mut held = Vec::new();
        for _ in 0..most {
            held.push(open(&suite, "/api/stream/helpdesk").await);
        }
        let (none, mut refused) = openings_until_refused(&suite, 1).await;
        assert_eq!((none, refused.status.as_u16()), (0, 429));
        assert_eq!(refused.headers["retry-after"], "15");
        assert!(refused.block().await.is_none());
        open_as_admin(&suite).await;
        held.pop();
        open(&suite, "/api/stream/helpdesk").await;
    }
}
