//! Boards on screens without a user (beacon.md §4.1).

use chrono::TimeDelta;
use hivematrix_shared::testing::TestResponse;
use http::Method;
use serde_json::{Value, json};

use crate::{
    common::{Suite, ours},
    events::Events,
};

const HELPDESK: &str = "6f2a54ce-3d0b-4f0e-8b5e-0f4bb9f8c9ab";
const SERVICES: &str = "00000000-0000-4000-8000-000000000002";

fn link(id: &str, view: &str, subjects: bool, expires_at: Value) -> Value {
    json!({"id": id, "name": format!("Wall {id}"), "view": view, "subjects": subjects, "created_by": "admin@example.test",
           "created_at": "2025-11-22T10:00:00Z", "expires_at": expires_at, "revoked_at": null})
}

/// Links as Codex keeps them.
struct Links {
    suite: Suite,
}

impl Links {
    async fn start() -> Self {
        let suite = Suite::start_with(&["--public-display-enabled=true"]).await;
        suite.tickets_tagged(ours(), "\"v1\"");
        suite.peers.answer("GET /api/displays", 200, json!({"displays": []}));
        Self { suite }
    }

    fn live(&self, links: &[&Value]) {
        self.suite.peers.answer("GET /api/displays", 200, json!({ "displays": links }));
        self.suite.clock.advance(TimeDelta::seconds(1));
    }

    /// The address that an administrator gets for this link.
    async fn address(&self, link: &Value) -> String {
        let suite = &self.suite;
        suite.peers.answer("POST /api/displays", 201, link.clone());
        let token = suite.identity.user_token(hivematrix_shared::auth::PermissionLevel::Admin);
        let asked = json!({"name": "x", "view": link["view"]});
        let made = suite.client.post("/api/displays").bearer(token).json(&asked).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["url"].as_str().unwrap().to_owned()
    }

    /// Opens a link and returns the cookie a browser sends from then on.
    async fn open(&self, link: &Value) -> String {
        let answer = self.suite.client.get(&self.address(link).await).send().await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    async fn with(&self, cookie: &str, path: &str) -> TestResponse {
        self.suite.client.get(path).header("cookie", cookie).send().await
    }
}

#[tokio::test]
async fn opening_a_link_leaves_a_cookie_and_an_address_without_the_key() {
    let links = Links::start().await;
    let helpdesk = link(HELPDESK, "helpdesk", false, json!("2025-11-22T12:00:00Z"));
    links.live(&[&helpdesk]);
    let address = links.address(&helpdesk).await;
    assert!(address.starts_with(&format!("/display/helpdesk?key={HELPDESK}.")), "{address}");
    let key = address.split_once("key=").unwrap().1;
    for (prefix, query, location) in [
        ("", "", "/display/helpdesk"),
        ("/beacon", "", "/beacon/display/helpdesk"),
        ("/beacon", "&rotate=30&sound=1&x=a%26b", "/beacon/display/helpdesk?rotate=30&sound=1&x=a%26b"),
    ] {
        let request = links.suite.client.get(&format!("{address}{query}"));
        let answer = request.header("x-forwarded-prefix", prefix).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, location));
        let cookie = format!(
            "beacon-display-helpdesk={key}; Path={prefix}/display; Max-Age=5399; HttpOnly; Secure; SameSite=Lax"
        );
        assert_eq!(answer.header("set-cookie"), cookie);
        assert_eq!(
            (answer.header("cache-control"), answer.header("x-robots-tag")),
            ("no-store", "noindex, nofollow")
        );
    }
    let page = links.with(&format!("beacon-display-helpdesk={key}"), "/display/helpdesk").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<title>Helpdesk (TV Display) - HiveMatrix</title>"));
    assert!(
        page.header("set-cookie").starts_with("beacon-display-helpdesk="),
        "a screen that is used keeps its link"
    );
    assert!(!page.text().contains(key));
}

#[tokio::test]
async fn a_screen_gets_reduced_tickets_and_subjects_only_where_the_link_allows_them() {
    let links = Links::start().await;
    for subjects in [false, true] {
        let helpdesk = link(HELPDESK, "helpdesk", subjects, Value::Null);
        links.live(&[&helpdesk]);
        let cookie = links.open(&helpdesk).await;
        let answer = links.with(&cookie, "/display/helpdesk/tickets").await;
        assert_eq!(answer.status, 200);
        let name = if subjects { "reduced_with_subjects" } else { "reduced" };
        insta::assert_json_snapshot!(name, answer.json(), { ".generated_at" => "[now]" });
        let page = links.with(&cookie, "/display/helpdesk").await.text();
        let stream = Events::open(&links.suite, "/display/helpdesk/stream", &[("cookie", &cookie)]).await;
        let event = { stream }.next().await.unwrap();
        assert_eq!(event.data["s1_items"], answer.json()["s1_items"]);
        for (what, text) in [("data", answer.text()), ("page", page), ("stream", event.text)] {
            for secret in
                ["John Doe", "john@example.com", "unable to log in", "Northwind Orchards", "100001", "onsite"]
            {
                assert!(!text.contains(secret), "{secret} in the {what}");
            }
            assert_eq!(text.contains("Password reset request"), subjects, "{what}");
            assert!(!text.contains("href=\"http"), "no link to the PSA in the {what}");
        }
    }
}

#[tokio::test]
async fn a_screen_has_neither_filter_nor_sync() {
    let links = Links::start().await;
    let helpdesk = link(HELPDESK, "helpdesk", false, Value::Null);
    links.live(&[&helpdesk]);
    let cookie = links.open(&helpdesk).await;
    let all = links.with(&cookie, "/display/helpdesk/tickets").await.json();
    let filtered = links.with(&cookie, "/display/helpdesk/tickets?agent_id=1&priority=4").await.json();
    assert_eq!((&filtered["total_active_items"], &filtered), (&json!(3), &all));
    let page = links.with(&cookie, "/display/helpdesk?agent_id=1").await.text();
    for missing in ["agent-filter", "sync-tickets-btn", "ticket-search", "modal"] {
        assert!(!page.contains(missing), "{missing}");
    }
    assert!(page.contains(r#"id="total-active-items-count">3<"#), "{page}");
}

#[tokio::test]
async fn the_cookie_of_one_view_opens_no_other_and_nothing_else() {
    let links = Links::start().await;
    let helpdesk = link(HELPDESK, "helpdesk", true, Value::Null);
    links.live(&[&helpdesk]);
    let cookie = links.open(&helpdesk).await;
    let key = cookie.split_once('=').unwrap().1;
    let other = format!("beacon-display-professional-services={key}");
    for (cookie, path, status) in [
        (cookie.as_str(), "/display/helpdesk", 200),
        (&cookie, "/display/professional-services", 403),
        (&other, "/display/professional-services", 403),
        (&other, "/display/professional-services/tickets", 403),
        (&other, "/display/professional-services/stream", 403),
        (&cookie, "/display/none", 403),
        (&cookie, "/helpdesk", 401),
        (&cookie, "/api/tickets/helpdesk", 401),
        (&cookie, "/api/stream/helpdesk", 401),
        (&cookie, "/api/displays", 401),
    ] {
        assert_eq!(links.with(cookie, path).await.status, status, "{path} {cookie}");
    }
    // The key opens the page of its own view, and nothing but the page.
    for path in ["professional-services", "none", "helpdesk/tickets", "helpdesk/stream"] {
        let by_key = links.suite.client.get(&format!("/display/{path}?key={key}")).send().await;
        assert_eq!(by_key.status, 403, "{path}");
    }
    assert_eq!(links.suite.client.get(&format!("/display/helpdesk?key={key}")).send().await.status, 302);
    let post =
        links.suite.client.request(Method::POST, "/display/helpdesk").header("cookie", &cookie).send().await;
    assert_eq!(post.status, 405);
}

#[tokio::test]
async fn forged_keys_and_no_key_are_refused_in_the_same_words() {
    let links = Links::start().await;
    let helpdesk = link(HELPDESK, "helpdesk", false, json!("2025-11-22T12:00:00Z"));
    links.live(&[&helpdesk]);
    let address = links.address(&helpdesk).await;
    let (start, signature) = address.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let mut answers = Vec::new();
    for path in [
        "/display/helpdesk".to_owned(),
        "/display/helpdesk?key=".to_owned(),
        "/display/helpdesk?key=abc".to_owned(),
        format!("/display/helpdesk?key={HELPDESK}"),
        format!("/display/helpdesk?key={HELPDESK}."),
        format!("{start}.{flipped}{}", &signature[1..]),
        format!("{start}.{}", &signature[..signature.len() - 4]),
        address.replace(HELPDESK, SERVICES),
        address.replace("/helpdesk", "/none"),
        "/display/none".to_owned(),
        "/display/none/tickets".to_owned(),
    ] {
        let answer = links.suite.client.get(&path).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (403, ""), "{path}");
        answers.push(answer.json()["detail"].clone());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // What is signed is what counts, also when Codex's record were changed.
    links.live(&[&link(HELPDESK, "helpdesk", false, json!("2035-11-22T12:00:00Z"))]);
    assert_eq!(links.suite.client.get(&address).send().await.status, 403);
}

#[tokio::test]
async fn a_link_that_is_taken_back_is_dark_within_two_seconds() {
    let links = Links::start().await;
    let (one, two) =
        (link(HELPDESK, "helpdesk", false, Value::Null), link(SERVICES, "helpdesk", false, Value::Null));
    links.live(&[&one, &two]);
    let (cookie, other) = (links.open(&one).await, links.open(&two).await);
    let mut stream = Events::open(&links.suite, "/display/helpdesk/stream", &[("cookie", &cookie)]).await;
    stream.next().await.unwrap();
    links.suite.peers.answer("GET /api/displays", 200, json!({"displays": [two]}));
    links.suite.clock.advance(TimeDelta::seconds(2));
    assert!(stream.next().await.is_none());
    for path in ["/display/helpdesk", "/display/helpdesk/tickets", "/display/helpdesk/stream"] {
        assert_eq!(links.with(&cookie, path).await.status, 403, "{path}");
    }
    assert_eq!(links.with(&other, "/display/helpdesk").await.status, 200);
}

#[tokio::test]
async fn a_link_ends_at_its_time_also_while_codex_is_away() {
    let links = Links::start().await;
    let helpdesk = link(HELPDESK, "helpdesk", false, json!("2025-11-22T12:00:00Z"));
    links.live(&[&helpdesk]);
    let cookie = links.open(&helpdesk).await;
    let mut stream = Events::open(&links.suite, "/display/helpdesk/stream", &[("cookie", &cookie)]).await;
    stream.next().await.unwrap();
    links.suite.peers.answer("GET /api/displays", 500, json!({}));
    links.suite.clock.advance(TimeDelta::seconds(5398));
    assert_eq!(links.with(&cookie, "/display/helpdesk").await.status, 200);
    links.suite.clock.advance(TimeDelta::seconds(1));
    while stream.next().await.is_some() {}
    assert_eq!(links.with(&cookie, "/display/helpdesk").await.status, 403);
}

#[tokio::test]
async fn screens_go_on_while_core_is_away_and_say_when_the_board_is_old() {
    let links = Links::start().await;
    let helpdesk = link(HELPDESK, "helpdesk", false, Value::Null);
    links.live(&[&helpdesk]);
    let cookie = links.open(&helpdesk).await;
    assert_eq!(links.with(&cookie, "/display/helpdesk/tickets").await.json()["stale"], false);
    // No token can be had, and the one that is remembered counts for nobody any more.
    links.suite.peers.answer("POST /service-token", 503, json!({}));
    links.suite.peers.answer("GET /api/displays", 401, json!({}));
    links.suite.peers.answer("GET /api/tickets/active", 401, json!({}));
    links.suite.clock.advance(TimeDelta::seconds(600));
    let data = links.with(&cookie, "/display/helpdesk/tickets").await.json();
    assert_eq!((&data["stale"], &data["total_active_items"]), (&json!(true), &json!(3)));
    let page = links.with(&cookie, "/display/helpdesk").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("What you see is the last good copy."));
}

#[tokio::test]
async fn a_beacon_that_has_never_heard_of_any_link_says_try_again() {
    let links = Links::start().await;
    let helpdesk = link(HELPDESK, "helpdesk", false, Value::Null);
    let address = links.address(&helpdesk).await;
    links.suite.peers.answer("GET /api/displays", 500, json!({}));
    let answer = links.suite.client.get(&address).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"));
    links.live(&[&helpdesk]);
    links.suite.clock.advance(TimeDelta::seconds(2));
    assert_eq!(links.suite.client.get(&address).send().await.status, 302);
}

#[tokio::test]
async fn requests_are_counted_for_their_link_and_strangers_for_their_address() {
    let links = Links::start().await;
    let (one, two) =
        (link(HELPDESK, "helpdesk", false, Value::Null), link(SERVICES, "helpdesk", false, Value::Null));
    links.live(&[&one, &two]);
    let (cookie, other) = (links.open(&one).await, links.open(&two).await);
    let forged = format!("beacon-display-helpdesk={HELPDESK}.AAAA");
    let refused = async |cookie: &str, most: usize| {
        for n in 0..most {
            let answer = links.with(cookie, "/display/helpdesk/tickets").await;
            if answer.status == 429 {
                return Some((n, answer));
            }
        }
        None
    };
    // Whoever only names a link does not use up what its screen may ask.
    assert!(refused(&forged, 200).await.is_some());
    let (allowed, answer) = refused(&cookie, 200).await.expect("a limit");
    assert!(allowed >= 60, "{allowed}");
    assert_eq!(answer.json()["detail"], "Rate limit exceeded. Try again later.");
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(links.with(&other, "/display/helpdesk/tickets").await.status, 200);
    for _ in 0..100 {
        let stream = Events::open(&links.suite, "/display/helpdesk/stream", &[("cookie", &cookie)]).await;
        assert_eq!(stream.status, 200, "an open stream is no request");
    }
}

#[tokio::test]
async fn the_screens_of_one_link_hold_twenty_streams_at_most() {
    let links = Links::start().await;
    let (one, two) =
        (link(HELPDESK, "helpdesk", false, Value::Null), link(SERVICES, "helpdesk", false, Value::Null));
    links.live(&[&one, &two]);
    let (cookie, other) = (links.open(&one).await, links.open(&two).await);
    let open = async |cookie: &str| {
        Events::open(&links.suite, "/display/helpdesk/stream", &[("cookie", cookie)]).await
    };
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(open(&cookie).await);
    }
    assert!(held.iter().all(|stream| stream.status == 200));
    let refused = open(&cookie).await;
    assert_eq!((refused.status.as_u16(), &refused.headers["retry-after"]), (429, &"15".parse().unwrap()));
    assert_eq!(open(&other).await.status, 200, "another link has places of its own");
    held.pop();
    assert_eq!(open(&cookie).await.status, 200);
}

#[tokio::test]
async fn unchanged_tickets_of_a_screen_cost_a_304() {
    let links = Links::start().await;
    let helpdesk = link(HELPDESK, "helpdesk", false, Value::Null);
    links.live(&[&helpdesk]);
    let cookie = links.open(&helpdesk).await;
    let first = links.with(&cookie, "/display/helpdesk/tickets").await;
    let again = links.suite.client.get("/display/helpdesk/tickets").header("cookie", &cookie);
    let again = again.header("if-none-match", first.header("etag")).send().await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    assert_ne!(first.header("etag"), links.suite.get("/api/tickets/helpdesk").await.header("etag"));
}

#[tokio::test]
async fn a_screen_with_several_links_shows_their_views_in_turn() {
    let links = Links::start().await;
    let (one, two) = (
        link(HELPDESK, "helpdesk", false, Value::Null),
        link(SERVICES, "professional-services", false, Value::Null),
    );
    links.live(&[&one, &two]);
    let both = format!("{}; {}", links.open(&one).await, links.open(&two).await);
    let other = r#"<a href="/display/professional-services?rotate=30&#38;sound=1" data-tickets-url="/display/professional-services/tickets" data-stream-url="/display/professional-services/stream">"#;
    for (cookie, path, rotates, sounds) in [
        (both.as_str(), "/display/helpdesk?rotate=30&sound=1", true, true),
        (&both, "/display/helpdesk", false, false),
        (&both, "/display/helpdesk?rotate=4&sound=0", false, false),
        (&both, "/display/helpdesk?rotate=x", false, false),
        (both.split("; ").next().unwrap(), "/display/helpdesk?rotate=30&sound=1", false, true),
    ] {
        let page = links.with(cookie, path).await.text();
        assert_eq!(page.contains(r#"data-rotate-seconds="30""#), rotates, "{path}");
        assert_eq!(page.contains("data-sound"), sounds, "{path}");
        assert_eq!(page.contains(other), rotates, "{page}");
    }
    let back = links.with(&both, "/display/professional-services?rotate=30").await.text();
    assert!(
        back.contains(
            r#"<a href="/display/helpdesk?rotate=30" data-tickets-url="/display/helpdesk/tickets""#
        )
    );
}

#[tokio::test]
async fn a_screen_lists_the_most_urgent_of_all_sections_first() {
    let links = Links::start().await;
    let ticket =
        |id: i64, color: &str, priority: i64| json!({"id": id, "sla_color": color, "priority": priority});
    links.suite.tickets(json!({
        "section1": (1..=60).map(|id| ticket(id, "yellow", 1)).collect::<Vec<_>>(),
        "section2": [ticket(70, "red", 1)], "section3": [ticket(80, "green", 1)], "section4": [ticket(90, "green", 4)]
    }));
    let helpdesk = link(HELPDESK, "helpdesk", true, Value::Null);
    links.live(&[&helpdesk]);
    let cookie = links.open(&helpdesk).await;
    let page = links.with(&cookie, "/display/helpdesk").await.text();
    let body = page.split_once("id=\"wall-rows\"").unwrap().1.split("</tbody>").next().unwrap();
    let shown: Vec<i64> = body
        .split("data-item-id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect();
    let expected: Vec<i64> = [80, 70].into_iter().chain(1..=38).collect();
    assert_eq!(shown, expected);
    for (section, count) in [("s1", 60), ("s2", 1), ("s3", 1), ("s4", 1)] {
        assert!(page.contains(&format!(r#"data-count-of="{section}">{count}<"#)), "{section}");
    }
}

#[tokio::test]
async fn without_the_switch_there_are_no_displays() {
    let suite = Suite::start().await;
    suite.peers.answer(
        "GET /api/displays",
        200,
        json!({"displays": [link(HELPDESK, "helpdesk", false, Value::Null)]}),
    );
    let cookie = format!("beacon-display-helpdesk={HELPDESK}.AAAA");
    for path in [
        "/display",
        "/display/helpdesk",
        "/display/helpdesk/tickets",
        "/display/helpdesk/stream",
        "/display/none",
    ] {
        let answer = suite.client.get(path).header("cookie", &cookie).send().await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["detail"], "The requested resource does not exist.", "{path}");
    }
    assert!(suite.peers.seen("/api/displays").is_empty());
}

#[tokio::test]
async fn the_short_address_leads_to_the_default_view_below_the_prefix() {
    let links = Links::start().await;
    for (prefix, location) in [("", "/display/helpdesk"), ("/beacon", "/beacon/display/helpdesk")] {
        let answer = links.suite.client.get("/display").header("x-forwarded-prefix", prefix).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, location));
    }
}
