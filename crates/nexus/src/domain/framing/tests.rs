//! Requests that can be read in one way only, and those that cannot.

use super::{Framing, MAX_HEAD, MAX_TARGET, Passed, Refusal};

fn follow(bytes: &[u8]) -> Passed {
    Framing::default().follow(bytes)
}

/// A request with the headers a well-behaved one has, and those given.
fn with(headers: &str) -> String {
    format!("POST /x HTTP/1.1\r\nHost: gw.test\r\n{headers}\r\n")
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    use Refusal::{Coding, Host, Length, LengthAndCoding, LineEnd, Malformed};
    for (request, refusal) in [
        (with("Content-Length: 5\r\nContent-Length: 6\r\n"), Length),
        (with("Content-Length: 5\r\nContent-Length: 5\r\n"), Length),
        (with("Content-Length: 5, 5\r\n"), Length),
        (with("Content-Length: +5\r\n"), Length),
        (with("Content-Length: -1\r\n"), Length),
        (with("Content-Length: 0x5\r\n"), Length),
        (with("Content-Length: 5 5\r\n"), Length),
        (with("Content-Length:\r\n"), Length),
        (with("Content-Length: 18446744073709551616\r\n"), Length),
        (with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), LengthAndCoding),
        (with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), LengthAndCoding),
        (with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), Coding),
        (with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), Coding),
        (with("Transfer-Encoding: chunked, identity\r\n"), Coding),
        (with("Transfer-Encoding: gzip, chunked\r\n"), Coding),
        (with("Transfer-Encoding: identity\r\n"), Coding),
        (with("Transfer-Encoding: xchunked\r\n"), Coding),
        (with("Transfer-Encoding: \"chunked\"\r\n"), Coding),
        (with("Transfer-Encoding:\r\n"), Coding),
        (with("Transfer-Encoding: \u{b}chunked\r\n"), Malformed),
        (with("Transfer-Encoding : chunked\r\n"), Malformed),
        (with("Content-Length\t: 5\r\n"), Malformed),
        (with(" Folded: 1\r\n"), Malformed),
        (with("X: 1\r\n folded\r\n"), Malformed),
        (with("X: 1\r\n\tfolded\r\n"), Malformed),
        (with("X: a\rY: b\r\n"), Malformed),
        (with("X: a\nY: b\r\n"), LineEnd),
        (with("X: a\0b\r\n"), Malformed),
        (with(": nameless\r\n"), Malformed),
        (with("no colon\r\n"), Malformed),
        (with("Host: other.test\r\n"), Host),
        (with("Host: gw.test\r\n"), Host),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), Host),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), Host),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), Coding),
        ("GET / HTTP/1.1\nHost: gw.test\n\n".to_owned(), LineEnd),
        ("GET /\u{1} HTTP/1.1\r\nHost: gw.test\r\n\r\n".to_owned(), Malformed),
        ("GET /a b HTTP/1.1\r\nHost: gw.test\r\n\r\n".to_owned(), Malformed),
        ("GET  / HTTP/1.1\r\nHost: gw.test\r\n\r\n".to_owned(), Malformed),
        ("GET /\r\n\r\n".to_owned(), Malformed),
        ("GET / HTTP/2.0\r\nHost: gw.test\r\n\r\n".to_owned(), Malformed),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), Malformed),
        ("\n\nGET / HTTP/1.1\r\nHost: gw.test\r\n\r\n".to_owned(), LineEnd),
    ] {
        assert_eq!(follow(request.as_bytes()), Passed { bytes: 0, refused: Some(refusal) }, "{request:?}");
    }
}

#[test]
fn heads_have_a_largest_size_and_number_of_lines() {
    let line = |length| format!("X: {}\r\n", "x".repeat(length));
    for (request, refused) in [
        (with(&line(MAX_HEAD - 1000)), None),
        (with(&line(MAX_HEAD)), Some(Refusal::HeadTooLarge)),
        (with(&line(10).repeat(99)), None),
        (with(&line(10).repeat(100)), Some(Refusal::HeadTooLarge)),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(MAX_TARGET - 1)), None),
        (
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(MAX_TARGET)),
            Some(Refusal::TargetTooLong),
        ),
        (format!("GET /{}", "x".repeat(MAX_HEAD)), Some(Refusal::TargetTooLong)),
        (format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MAX_HEAD)), Some(Refusal::HeadTooLarge)),
    ] {
        assert_eq!(follow(request.as_bytes()).refused, refused, "{}…", &request[..40]);
    }
}

#[test]
fn a_body_in_chunks_is_followed_strictly() {
    let long = "x".repeat(300);
    for (body, counts) in [
        ("5\r\nhello\r\n0\r\n\r\n".to_owned(), true),
        ("5;a=\"b\"\r\nhello\r\n0\r\n\r\n".to_owned(), true),
        ("0A\r\n0123456789\r\n000\r\nx-check: 1\r\n\r\n".to_owned(), true),
        (format!("0\r\nx: {long}\r\n\r\n"), true),
        ("5\nhello\r\n0\r\n\r\n".to_owned(), false),
        ("5\r\nhello0\r\n\r\n".to_owned(), false),
        ("5\r\nhello\n0\r\n\r\n".to_owned(), false),
        ("5;a\nhello\r\n0\r\n\r\n".to_owned(), false),
        ("5;\0\r\nhello\r\n0\r\n\r\n".to_owned(), false),
        (format!("5;{long}\r\nhello\r\n0\r\n\r\n"), false),
        ("0x5\r\nhello\r\n0\r\n\r\n".to_owned(), false),
        ("+5\r\nhello\r\n0\r\n\r\n".to_owned(), false),
        (" 5\r\nhello\r\n0\r\n\r\n".to_owned(), false),
        ("5 \r\nhello\r\n0\r\n\r\n".to_owned(), false),
        ("\r\nhello\r\n0\r\n\r\n".to_owned(), false),
        (";a\r\nhello\r\n0\r\n\r\n".to_owned(), false),
        ("FFFFFFFFFFFFFFFF\r\n".to_owned(), false),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n".to_owned(), false),
        ("0\r\nx: 1\n\r\n".to_owned(), false),
        ("0\r\nx: 1\r\n folded\r\n\r\n".to_owned(), false),
        ("0\r\n\rx".to_owned(), false),
        (format!("0\r\nx: {}\r\n\r\n", long.repeat(30)), false),
    ] {
        let request = format!("{}{body}", with("Transfer-Encoding: chunked\r\n"));
        let passed = follow(request.as_bytes());
        assert_eq!(passed.refused, (!counts).then_some(Refusal::Body), "{body:?}");
        if counts {
            assert_eq!(passed.bytes, request.len(), "{body:?}");
        }
    }
}

#[test]
fn what_follows_a_body_is_the_next_request() {
    let requests = [
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /b HTTP/1.0\r\n\r\n".to_owned(),
        format!("{}hello", with("content-length: 5\r\n")),
        format!("{}3\r\nabc\r\n0\r\nx: y\r\n\r\n", with("transfer-encoding: Chunked\r\n")),
        // An old browser's empty line after its form.
        "\r\nHEAD /c HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        with("Content-Length: 0\r\n"),
    ];
    let all = requests.concat();
    assert_eq!(follow(all.as_bytes()), Passed { bytes: all.len(), refused: None });
    let bad = format!("{all}{}", with("Content-Length: a\r\n"));
    assert_eq!(follow(bad.as_bytes()), Passed { bytes: all.len(), refused: Some(Refusal::Length) });

    // The same in pieces of any size, an incomplete head given again each time.
    for size in [1, 2, 3, 7, 50] {
        let (mut framing, mut waiting, mut passed) = (Framing::default(), Vec::new(), 0);
        for piece in all.as_bytes().chunks(size) {
            waiting.extend_from_slice(piece);
            let step = framing.follow(&waiting);
            assert_eq!(step.refused, None, "in pieces of {size}");
            waiting.drain(..step.bytes);
            passed += step.bytes;
        }
        assert_eq!(passed, all.len(), "in pieces of {size}");
    }
}
