//! Request smuggling and other shapes that two servers may read differently, over a real TLS connection.

use hivematrix_shared::auth::PermissionLevel::Technician;

use super::noting;
use crate::door::open_door;

/// A request behind the attacker's own; no row may bring it to the service.
const SMUGGLED: &str = "GET /ledger/smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n";

#[tokio::test]
async fn nothing_that_can_be_read_in_two_ways_reaches_a_service() {
    let (world, noted) = noting().await;
    let door = open_door(&world).await;
    let token = world.identity.user_token(Technician);
    let long = "x".repeat(70_000);
    let cookies = format!("Cookie: a={}\r\n", "x".repeat(3000)).repeat(30);
    let many = (0..150).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    let chunked = "Transfer-Encoding: chunked\r\n";
    let framing = [
        ("two lengths", 400, "Content-Length: 5\r\nContent-Length: 0\r\n", "hello"),
        ("one length twice", 400, "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        ("a list of lengths", 400, "Content-Length: 5, 5\r\n", "hello"),
        ("a length with a sign", 400, "Content-Length: +5\r\n", "hello"),
        ("CL.TE", 400, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("TE.CL", 400, "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"),
        ("TE.TE", 400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"),
        ("a coding before chunked", 400, "Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"),
        ("a coding with a control character", 400, "Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\n"),
        ("a space before the colon", 400, "Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        ("a folded header", 400, "X: 1\r\n Transfer-Encoding: chunked\r\n", ""),
        ("a bare LF", 400, "X: 1\nTransfer-Encoding: chunked\r\n", ""),
        ("a bare CR", 400, "X: 1\rTransfer-Encoding: chunked\r\n", ""),
        ("NUL", 400, "X: a\0b\r\n", ""),
        ("a second host", 400, "Host: evil.example\r\n", ""),
        ("too many headers", 431, &many, ""),
        ("a header that is too large", 431, &format!("X: {long}\r\n"), ""),
        ("headers that are too large together", 431, &cookies, ""),
        ("a chunk larger than any", 400, chunked, "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size with a sign", 400, chunked, "+5\r\nhello\r\n0\r\n\r\n"),
        ("a chunk size with a bare LF", 400, chunked, "5\nhello\r\n0\r\n\r\n"),
        ("a chunk extension with a bare LF", 400, chunked, "5;a\nhello\r\n0\r\n\r\n"),
        ("a chunk extension without end", 400, chunked, &format!("5;{long}\r\nhello\r\n0\r\n\r\n")),
        ("a chunk longer than it says", 400, chunked, "2\r\nhello\r\n0\r\n\r\n"),
        ("a trailer with a bare LF", 400, chunked, "0\r\nx: 1\n\r\n"),
    ]
    .map(|(name, status, headers, body)| {
        let head = format!(
            "POST /ledger/x HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        );
        (name, status, format!("{head}{body}"))
    });
    let get =
        |target: &str, rest: &str| format!("GET {target} {rest}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let heads = [
        ("no host", 400, get("/ledger/x", "HTTP/1.1")),
        (
            "another host in the target",
            400,
            get("https://evil.example/ledger/x", "HTTP/1.1\r\nHost: gw.test"),
        ),
        (
            "another host in the header",
            400,
            get("https://gw.test/ledger/x", "HTTP/1.1\r\nHost: evil.example"),
        ),
        (
            "a user in the target",
            400,
            get("https://gw.test@evil.example/ledger/x", "HTTP/1.1\r\nHost: gw.test"),
        ),
        ("two hosts in one header", 400, get("/ledger/x", "HTTP/1.1\r\nHost: gw.test, evil.example")),
        ("a path in the host", 400, get("/ledger/x", "HTTP/1.1\r\nHost: gw.test/evil")),
        ("a control character in the path", 400, get("/ledger/\u{1}x", "HTTP/1.1\r\nHost: gw.test")),
        ("a space in the path", 400, get("/ledger/x y", "HTTP/1.1\r\nHost: gw.test")),
        (
            "HTTP/1.0 with chunks",
            400,
            get("/ledger/x", "HTTP/1.0\r\nHost: gw.test\r\nTransfer-Encoding: chunked"),
        ),
        ("HTTP/0.9", 400, "GET /ledger/x\r\n\r\n".to_owned()),
        (
            "an address that is too long",
            414,
            get(&format!("/ledger/{}", &long[..20_000]), "HTTP/1.1\r\nHost: gw.test"),
        ),
        ("an address without end", 414, format!("GET /ledger/{long}")),
    ];
    for (name, status, request) in framing.into_iter().chain(heads) {
        let answer = door.say(format!("{request}{SMUGGLED}").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{name}: one answer, then the end: {answer}");
        let head = answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        for header in ["connection: close", "content-type: application/problem+json", "x-correlation-id: "] {
            assert!(head.contains(header), "{name}: {header} in {answer}");
        }
    }
    assert!(noted.lock().unwrap().is_empty(), "{:?}", noted.lock().unwrap());
}

#[tokio::test]
async fn what_can_be_read_in_one_way_only_passes_in_its_order() {
    let (world, noted) = noting().await;
    let door = open_door(&world).await;
    let head =
        format!("Host: gw.test\r\nAuthorization: Bearer {}\r\n", world.identity.user_token(Technician));
    let requests = [
        format!("GET https://gw.test/ledger/1 HTTP/1.1\r\n{head}\r\n"),
        format!("POST /ledger/2 HTTP/1.1\r\n{head}Content-Length: 5\r\n\r\nhello"),
        format!(
            "POST /ledger/3 HTTP/1.1\r\n{head}Transfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n"
        ),
        // Only the last request is refused; those before it have their answers.
        format!("GET /ledger/4 HTTP/1.1\r\n{head}Content-Length: x\r\n\r\n"),
    ];
    let answer = door.say(requests.concat().as_bytes()).await;
    let statuses: Vec<_> =
        answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "200", "200", "400"], "{answer}");
    let noted = noted.lock().unwrap();
    let seen: Vec<_> = noted.iter().map(|(line, _, body)| (line.as_str(), body.as_slice())).collect();
    assert_eq!(seen, [("GET /1", &b""[..]), ("POST /2", b"hello"), ("POST /3", b"hello")]);
}
