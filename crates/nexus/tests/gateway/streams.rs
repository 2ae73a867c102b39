//! Bodies that take their time, and what comes around them (nexus.md §8.2, §8.5).

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::Response,
    routing::any,
};
use hivematrix_shared::auth::PermissionLevel::Billing;
use http::{HeaderMap, Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, mpsc},
};
use tower::ServiceExt;

use crate::support::{Plan, World, echo, serve};

/// A body of two pieces and a trailer.
fn with_trailer() -> Body {
    let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "42".parse().unwrap())]);
    let frames = [Frame::data(Bytes::from("a")), Frame::data(Bytes::from("b")), Frame::trailers(trailers)];
    Body::new(StreamBody::new(tokio_stream::iter(frames.map(Ok::<_, std::io::Error>))))
}

/// Sends back what it got: the body, and the trailer `x-sum` as header and trailer.
fn trailing() -> Router {
    Router::new().fallback(any(|request: Request| async move {
        let got = request.into_body().collect().await.unwrap();
        let sum = got.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
        let mut response = Response::new(with_trailer());
        response.headers_mut().insert("trailer", "x-sum".parse().unwrap());
        if let Some(sum) = sum {
            response.headers_mut().insert("x-got", sum);
        }
        response
    }))
}

fn request(world: &World, method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "gw.test")
        .header("authorization", format!("Bearer {}", world.identity.user_token(Billing)))
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let world = World::in_front_of(trailing()).await;
    let sent = request(&world, Method::POST, "/ledger/x")
        .header("te", "trailers")
        .header("trailer", "x-sum")
        .body(with_trailer())
        .unwrap();
    let answer = world.gateway.router().oneshot(sent).await.unwrap();
    assert_eq!(answer.headers()["x-got"], "42", "the backend's");
    let got = answer.into_body().collect().await.unwrap();
    assert_eq!(got.trailers().unwrap()["x-sum"], "42", "the client's");
    assert_eq!(got.to_bytes(), "ab");
}

#[tokio::test]
async fn over_http_1_only_a_client_that_takes_trailers_gets_them() {
    let world = World::in_front_of(trailing()).await;
    let gateway = serve(world.gateway.router()).await;
    for (te, trailer) in
        [("TE: trailers\r\nConnection: te, close\r\n", true), ("Connection: close\r\n", false)]
    {
        let mut connection = TcpStream::connect(gateway.strip_prefix("http://").unwrap()).await.unwrap();
        let token = world.identity.user_token(Billing);
        let head =
            format!("GET /ledger/x HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer {token}\r\n{te}\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(answer.ends_with("0\r\nx-sum: 42\r\n\r\n"), trailer, "{answer}");
    }
}

#[tokio::test]
async fn a_client_is_told_to_go_on_only_when_its_body_is_wanted() {
    let world = World::new().await;
    let gateway = serve(world.gateway.router()).await;
    let token = world.identity.user_token(Billing);
    for (authorization, length, first) in [
        (format!("Authorization: Bearer {token}\r\n"), 5, "HTTP/1.1 100 Continue\r\n\r\n"),
        (String::new(), 5, "HTTP/1.1 401 Unauthorized\r\n"),
        (format!("Authorization: Bearer {token}\r\n"), u64::MAX / 2, "HTTP/1.1 413 Payload Too Large\r\n"),
    ] {
        let mut connection = TcpStream::connect(gateway.strip_prefix("http://").unwrap()).await.unwrap();
        let head = format!(
            "POST /ledger/api/x HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\
             Connection: close\r\n{authorization}\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut start = vec![0; first.len()];
        connection.read_exact(&mut start).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&start), first);
        if first.contains("100") {
            connection.write_all(b"hello").await.unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            assert!(answer.contains("\"body\":\"hello\"") && !answer.contains("\"expect\""), "{answer}");
        }
    }
}

#[tokio::test]
async fn two_gibibytes_are_the_most_unless_it_is_set() {
    let world = World::new().await;
    let two_gibibytes = 2_u64 << 30;
    let sent = |length: u64| {
        let sent = request(&world, Method::PUT, "/ledger/x").header("content-length", length);
        world.gateway.router().oneshot(sent.body(Body::from("x")).unwrap())
    };
    assert_eq!(sent(two_gibibytes + 1).await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_ne!(sent(two_gibibytes).await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// Lets an hour pass in a moment.
async fn an_hour_passes() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3600)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_event_stream_may_be_silent_and_another_answer_may_not() {
    for (content_type, survives) in [("text/event-stream", true), ("application/octet-stream", false)] {
        let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let receiver = Arc::new(tokio::sync::Mutex::new(Some(receiver)));
        let app = Router::new().fallback(any(move || async move {
            let receiver = receiver.lock().await.take().unwrap();
            let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
            ([("content-type", content_type)], body)
        }));
        let world = World::in_front_of(app).await;
        let sent = request(&world, Method::GET, "/ledger/x").body(Body::empty()).unwrap();
        let mut body = world.gateway.router().oneshot(sent).await.unwrap().into_body();
        sender.send(Ok("first".into())).await.unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
        let (waiting, is_waiting) = tokio::sync::oneshot::channel();
        let second = tokio::spawn(async move {
            let mut frame = Box::pin(body.frame());
            assert!(futures::poll!(&mut frame).is_pending());
            waiting.send(()).unwrap();
            frame.await.unwrap()
        });
        is_waiting.await.unwrap();
        an_hour_passes().await;
        if survives {
            sender.send(Ok("second".into())).await.unwrap();
        }
        assert_eq!(second.await.unwrap().is_ok(), survives, "{content_type}");
    }
}

#[tokio::test]
async fn the_registry_says_where_an_answer_may_take_longer() {
    let (arrived, mut arrivals) = mpsc::channel(1);
    let go_on = Arc::new(Notify::new());
    let wait = go_on.clone();
    let app = Router::new().fallback(any(move || {
        let (arrived, wait) = (arrived.clone(), wait.clone());
        async move {
            arrived.send(()).await.unwrap();
            wait.notified().await;
            "done"
        }
    }));
    let entries = json!({"ledger": {"timeouts": {"/api/slow": 7200}}});
    let plan = Plan { backends: vec![("ledger", serve(app).await)], entries, ..Plan::default() };
    let world = World::with(plan).await;
    for (path, status) in
        [("/ledger/api/slow/export", StatusCode::OK), ("/ledger/api/slower", StatusCode::BAD_GATEWAY)]
    {
        let sent = request(&world, Method::GET, path).body(Body::empty()).unwrap();
        let answer = tokio::spawn(world.gateway.router().oneshot(sent));
        arrivals.recv().await.unwrap();
        an_hour_passes().await;
        go_on.notify_one();
        assert_eq!(answer.await.unwrap().unwrap().status(), status, "{path}");
    }
}

#[tokio::test]
async fn an_upload_that_moves_is_never_too_slow() {
    let plan = Plan { backends: vec![("ledger", serve(echo()).await)], ..Plan::default() };
    let world = World::with(plan).await;
    for (moves, status) in [(true, StatusCode::OK), (false, StatusCode::BAD_GATEWAY)] {
        let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
        let sent = request(&world, Method::POST, "/ledger/x").body(body).unwrap();
        let answer = tokio::spawn(world.gateway.router().oneshot(sent));
        // 80 s in all, and never 30 s without a byte.
        for _ in 0..4 {
            let _ = sender.send(Ok("x".into())).await;
            // Until it was taken.
            let taken = sender.reserve().await;
            drop(taken);
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(if moves { 20 } else { 31 })).await;
            tokio::time::resume();
        }
        drop(sender);
        assert_eq!(answer.await.unwrap().unwrap().status(), status);
    }
}
