//! Clients that take their time: slow-loris in head and body, connections that say nothing, answers nobody reads. The
//! clock stands still and runs ahead whenever nothing is left to do but wait.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use bytes::Bytes;
use hivematrix_nexus::{
    audit::Audit,
    tls::{listener, places::Places},
};
use hivematrix_shared::auth::PermissionLevel::Technician;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{door::open_door, support::World};

/// Says `piece` every `pause` until the other side has said all it wants to; returns that and the seconds it took.
async fn drip<S>(connection: S, piece: &'static str, pause: Duration) -> (String, u64)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut reading, mut writing) = tokio::io::split(connection);
    tokio::time::pause();
    let begun = Instant::now();
    let dripping = tokio::spawn(async move {
        loop {
            tokio::time::sleep(pause).await;
            if writing.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let mut answer = Vec::new();
    let _ = reading.read_to_end(&mut answer).await;
    let took = begun.elapsed().as_secs();
    dripping.abort();
    tokio::time::resume();
    (String::from_utf8(answer).unwrap(), took)
}

#[tokio::test]
async fn a_request_that_never_ends_is_given_up() {
    let world = World::new().await;
    let door = open_door(&world).await;
    let token = world.identity.user_token(Technician);
    let post = format!("POST /ledger/x HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n");
    for (name, begin, piece, pause, within) in [
        ("a head", "GET / HTTP/1.1\r\nX: ".to_owned(), "x", 1, 10..=12),
        ("header after header", "GET / HTTP/1.1\r\n".to_owned(), "X: 1\r\n", 3, 10..=12),
        ("a request line", "G".to_owned(), "E", 2, 10..=12),
        ("a body with a length", format!("{post}Content-Length: 100000\r\n\r\n"), "x", 5, 20..=23),
        ("a body in chunks", format!("{post}Transfer-Encoding: chunked\r\n\r\n"), "1\r\nx\r\n", 5, 20..=23),
        ("a chunk size", format!("{post}Transfer-Encoding: chunked\r\n\r\n"), "0", 5, 20..=23),
    ] {
        let mut connection = door.connection("http/1.1").await;
        connection.write_all(begin.as_bytes()).await.unwrap();
        let (answer, took) = drip(connection, piece, Duration::from_secs(pause)).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{name}: {answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{name}: {answer}");
        assert!(within.contains(&took), "{name} took {took} s");
    }
}

#[tokio::test]
async fn a_connection_may_rest_between_requests_for_a_while() {
    let world = World::new().await;
    let door = open_door(&world).await;
    let mut connection = door.connection("http/1.1").await;
    for _ in 0..2 {
        connection.write_all(b"HEAD /login HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(connection.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 302 "), "{}", String::from_utf8_lossy(&answer));
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(70)).await;
        tokio::time::resume();
    }
    tokio::time::pause();
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "it ends without a word");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_says_nothing_at_all_is_let_go() {
    let world = World::new().await;
    let door = open_door(&world).await;
    let mut silent = TcpStream::connect(door.address).await.unwrap();
    let mut half = TcpStream::connect(door.address).await.unwrap();
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    tokio::time::pause();
    let begun = Instant::now();
    for connection in [&mut silent, &mut half] {
        let _ = connection.read_to_end(&mut Vec::new()).await;
    }
    assert!(begun.elapsed() <= Duration::from_secs(11), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up_and_the_service_released() {
    struct Released(Arc<Notify>);
    impl Drop for Released {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let released = Arc::new(Notify::new());
    let answer = released.clone();
    let app = Router::new().fallback(move || {
        let held = Released(answer.clone());
        async move {
            let pieces = std::iter::repeat_with(move || {
                let _ = &held;
                Ok::<_, std::io::Error>(Bytes::from_static(&[0; 65_536]))
            });
            Body::from_stream(tokio_stream::iter(pieces))
        }
    });
    let world = World::in_front_of(app).await;
    let door = open_door(&world).await;
    let token = world.identity.user_token(Technician);
    let mut connection = door.connection("http/1.1").await;
    let request = format!("GET /ledger/x HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.read_exact(&mut [0; 12]).await.unwrap();
    tokio::time::pause();
    let begun = Instant::now();
    released.notified().await;
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
    drop(connection);
}

#[tokio::test]
async fn the_port_of_the_redirect_has_the_same_limits() {
    let origins = hivematrix_nexus::domain::origin::PublicOrigins::parse("https://gw.test").unwrap();
    let app = hivematrix_nexus::plain_router(&Arc::new(origins), &Audit::default(), None);
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let places = Places::new(1024, Default::default());
    tokio::spawn(listener::serve_plain(socket, app, places, CancellationToken::new()));
    for (request, status, location) in [
        (
            "GET /a?b HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n",
            "308",
            "location: https://gw.test/a?b\r\n",
        ),
        (
            "GET /a HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            "308",
            "location: https://gw.test/a\r\n",
        ),
        (
            "GET http://evil.example/a HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            "308",
            "location: https://gw.test/a\r\n",
        ),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: gw.test\r\n\r\n", "400", ""),
        ("GET / HTTP/1.1\r\nHost: gw.test\r\nHost: evil.example\r\n\r\n", "400", ""),
        ("GET / HTTP/1.1\r\n\r\n", "400", ""),
        (
            "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400",
            "",
        ),
    ] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(location),
            "{request}: {answer}"
        );
    }
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET / HT").await.unwrap();
    let (answer, took) = drip(connection, "T", Duration::from_secs(1)).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && took <= 12, "{took} s: {answer}");
}
