//! The same over HTTP/2, written frame by frame: what its library refuses and what the gateway does.

use std::time::Duration;

use axum::{Router, routing::any};
use hivematrix_shared::auth::PermissionLevel::Technician;
use tokio::{io::AsyncReadExt, time::Instant};

use super::{
    frames::{
        ACKNOWLEDGED, CONTINUATION, Connection, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RESET,
        Reaction, SETTINGS, block, frame, frames_of,
    },
    noting,
};
use crate::{door::open_door, support::World};

/// A request that passes, changed by `change`.
fn request<'a>(bearer: &'a str, change: impl FnOnce(&mut Vec<(&'a str, &'a str)>)) -> Vec<u8> {
    let mut headers = vec![
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "gw.test"),
        (":path", "/ledger/x"),
        ("authorization", bearer),
    ];
    change(&mut headers);
    block(&headers)
}

#[tokio::test]
async fn headers_that_http2_forbids_or_that_contradict_each_other_are_refused() {
    let (world, noted) = noting().await;
    let door = open_door(&world).await;
    let bearer = format!("Bearer {}", world.identity.user_token(Technician));
    let add = |name, value| vec![(name, value)];
    let long = format!("/{}", "x".repeat(20_000));
    for (name, remove, added, reaction) in [
        ("a connection header", "", add("connection", "close"), Reaction::BrokenOff),
        ("a transfer coding", "", add("transfer-encoding", "chunked"), Reaction::BrokenOff),
        ("an upgrade", "", add("upgrade", "websocket"), Reaction::BrokenOff),
        ("keep-alive", "", add("keep-alive", "1"), Reaction::BrokenOff),
        ("te", "", add("te", "chunked"), Reaction::BrokenOff),
        ("an upper-case name", "", add("X-Evil", "1"), Reaction::BrokenOff),
        ("CRLF in a value", "", add("x-evil", "1\r\ntransfer-encoding: chunked"), Reaction::BrokenOff),
        ("CRLF in a name", "", add("x-evil: 1\r\nx", "1"), Reaction::BrokenOff),
        ("NUL in a value", "", add("x-evil", "a\0b"), Reaction::BrokenOff),
        ("a colon in a name", "", add("x:evil", "1"), Reaction::BrokenOff),
        ("CRLF in the path", ":path", add(":path", "/ledger/x HTTP/1.1\r\nHost: evil"), Reaction::BrokenOff),
        ("a space in the path", ":path", add(":path", "/ledger/x y"), Reaction::BrokenOff),
        ("no path", ":path", vec![], Reaction::BrokenOff),
        ("an empty path", ":path", add(":path", ""), Reaction::BrokenOff),
        ("two paths", "", add(":path", "/ledger/y"), Reaction::BrokenOff),
        ("no method", ":method", vec![], Reaction::BrokenOff),
        ("CRLF in the method", ":method", add(":method", "GET / HTTP/1.1\r\n"), Reaction::BrokenOff),
        ("no scheme", ":scheme", vec![], Reaction::BrokenOff),
        ("another scheme", ":scheme", add(":scheme", "ftp"), Reaction::Answered(400)),
        ("an unknown pseudo-header", "", add(":evil", "1"), Reaction::BrokenOff),
        ("a response's pseudo-header", "", add(":status", "200"), Reaction::BrokenOff),
        ("another host", "", add("host", "evil.example"), Reaction::Answered(400)),
        (
            "two hosts",
            ":authority",
            vec![("host", "gw.test"), ("host", "evil.example")],
            Reaction::Answered(400),
        ),
        (
            "a user in the authority",
            ":authority",
            add(":authority", "gw.test@evil.example"),
            Reaction::Answered(400),
        ),
        ("a foreign authority", ":authority", add(":authority", "evil.example"), Reaction::Answered(421)),
        ("no authority at all", ":authority", vec![], Reaction::Answered(421)),
        ("a length without a body", "", add("content-length", "5"), Reaction::BrokenOff),
        ("two lengths", "", vec![("content-length", "0"), ("content-length", "5")], Reaction::BrokenOff),
        ("a path that is too long", ":path", add(":path", &long), Reaction::Answered(414)),
    ] {
        let headers = request(&bearer, |headers| {
            headers.retain(|(name, _)| *name != remove);
            // Pseudo-headers stand first.
            for header in added {
                let at = if header.0.starts_with(':') { 0 } else { headers.len() };
                headers.insert(at, header);
            }
        });
        let mut connection = Connection::open(&door).await;
        connection.say(&frames_of(&headers, END_STREAM)).await;
        assert_eq!(connection.reaction().await, reaction, "{name}");
    }
    let late = request(&bearer, |headers| headers.push((":path", "/ledger/late")));
    let mut connection = Connection::open(&door).await;
    connection.say(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &late)).await;
    assert_eq!(connection.reaction().await, Reaction::BrokenOff, "a pseudo-header behind the others");
    assert!(noted.lock().unwrap().is_empty(), "{:?}", noted.lock().unwrap());

    let mut connection = Connection::open(&door).await;
    connection.say(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &request(&bearer, |_| {}))).await;
    assert_eq!(connection.reaction().await, Reaction::Answered(200), "and the request without any of it");
}

#[tokio::test]
async fn a_body_that_is_longer_or_shorter_than_its_length_does_not_arrive() {
    let (world, noted) = noting().await;
    let door = open_door(&world).await;
    let bearer = format!("Bearer {}", world.identity.user_token(Technician));
    for body in ["hell", "hello!"] {
        let headers = request(&bearer, |headers| {
            headers[0] = (":method", "POST");
            headers.push(("content-length", "5"));
        });
        let mut connection = Connection::open(&door).await;
        connection.say(&frame(HEADERS, END_HEADERS, 1, &headers)).await;
        connection.say(&frame(DATA, END_STREAM, 1, body.as_bytes())).await;
        assert_ne!(connection.reaction().await, Reaction::Answered(200), "{body}");
    }
    assert!(noted.lock().unwrap().is_empty(), "{:?}", noted.lock().unwrap());
}

#[tokio::test]
async fn floods_end_the_connection() {
    let (world, _) = noting().await;
    let door = open_door(&world).await;
    let bearer = format!("Bearer {}", world.identity.user_token(Technician));
    let headers = request(&bearer, |_| {});
    let resets: Vec<u8> = (0..1000)
        .flat_map(|n| {
            let begun = frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &headers);
            [begun, frame(RESET, 0, 2 * n + 1, &[0, 0, 0, 8])].concat()
        })
        .collect();
    let continuations = [
        frame(HEADERS, END_STREAM, 1, &headers),
        (0..1000).flat_map(|_| frame(CONTINUATION, 0, 1, &[])).collect::<Vec<u8>>(),
    ]
    .concat();
    // Each of these makes the gateway reset the stream.
    let errors: Vec<u8> = (0..1000)
        .flat_map(|n| {
            let begun = frame(HEADERS, END_HEADERS, 2 * n + 1, &headers);
            [begun, frame(8, 0, 2 * n + 1, &[0, 0, 0, 0])].concat()
        })
        .collect();
    for (name, flood) in
        [("rapid reset", resets), ("continuation", continuations), ("made you reset", errors)]
    {
        let mut connection = Connection::open(&door).await;
        connection.say(&flood).await;
        let mut said = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), connection.0.read_to_end(&mut said)).await;
        assert!(ended.is_ok(), "{name}: the connection is still open");
    }
}

#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let (world, noted) = noting().await;
    let door = open_door(&world).await;
    let bearer = format!("Bearer {}", world.identity.user_token(Technician));
    let half = "x".repeat(40_000);
    let headers = request(&bearer, |headers| headers.extend([("x-a", half.as_str()), ("x-b", &half)]));
    let mut connection = Connection::open(&door).await;
    connection.say(&frames_of(&headers, END_STREAM)).await;
    assert!(
        matches!(connection.reaction().await, Reaction::Answered(431) | Reaction::BrokenOff),
        "80 KB of headers"
    );
    let fits = request(&bearer, |headers| headers.push(("x-a", &half)));
    let mut connection = Connection::open(&door).await;
    connection.say(&frames_of(&fits, END_STREAM)).await;
    assert_eq!(connection.reaction().await, Reaction::Answered(200), "a session in many cookies fits");
    assert_eq!(noted.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_answers_pings_but_takes_no_answer_is_given_up() {
    let world = World::in_front_of(Router::new().fallback(any(|| async { "an answer" }))).await;
    let door = open_door(&world).await;
    let bearer = format!("Bearer {}", world.identity.user_token(Technician));
    let mut connection = Connection::open(&door).await;
    // From now on there is no room for a single byte of an answer.
    connection.say(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).await;
    connection.say(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &request(&bearer, |_| {}))).await;
    assert_eq!(connection.reaction().await, Reaction::Answered(200));
    tokio::time::pause();
    let begun = Instant::now();
    while let Some((kind, flags, payload)) = connection.hear().await {
        assert_ne!(kind, DATA);
        if kind == PING && flags & ACKNOWLEDGED == 0 {
            connection.say(&frame(PING, ACKNOWLEDGED, 0, &payload)).await;
        }
    }
    assert!((59..=130).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
