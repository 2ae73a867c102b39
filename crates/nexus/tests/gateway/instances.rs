//! Several instances of a service, and connections that are used again (nexus.md §8.4, platform.md §3.2).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, routing::any};
use hivematrix_shared::auth::PermissionLevel::Billing;
use http::{Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::support::{Plan, World, dead_address, serve};

/// A backend that counts its requests.
fn counted(count: &Arc<AtomicUsize>) -> Router {
    let count = count.clone();
    Router::new().fallback(any(move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { "ok" }
    }))
}

async fn in_front_of(urls: &[String]) -> World {
    let entries = json!({"ledger": {"url": urls[0], "urls": urls}});
    World::with(Plan { entries, ..Plan::default() }).await
}

/// A backend on the level of connections: it answers the first `answers` requests of each and then hangs up on the next one.
/// Returns its URL and the count of its connections.
async fn hangs_up_after(answers: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                for _ in 0..answers {
                    read_head(&mut stream).await;
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                }
                read_head(&mut stream).await;
            });
        }
    });
    (url, connections)
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
}

#[tokio::test]
async fn instances_take_turns_and_a_dead_one_is_skipped() {
    let counts = [Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0))];
    let urls = [serve(counted(&counts[0])).await, dead_address().await, serve(counted(&counts[1])).await];
    let world = in_front_of(&urls).await;
    for method in [Method::GET, Method::POST].into_iter().cycle().take(12) {
        let answer = world.call(method.clone(), "/ledger/x", Billing).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{method}: nothing of it had left for the dead one");
    }
    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) >= 4), "{counts:?}");
}

#[tokio::test]
async fn a_request_that_got_no_answer_is_sent_elsewhere_only_if_that_does_no_harm() {
    for (method, body, repeated) in [
        (Method::GET, "", true),
        (Method::HEAD, "", true),
        (Method::DELETE, "", true),
        (Method::PUT, "", true),
        (Method::PUT, "text", false),
        (Method::POST, "", false),
        (Method::PATCH, "", false),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let (silent, connections) = hangs_up_after(0).await;
        let world = in_front_of(&[silent, serve(counted(&count)).await]).await;
        let mut request = world.call(method.clone(), "/ledger/x", Billing);
        if !body.is_empty() {
            request = request.body("text/plain", body.as_bytes().to_vec());
        }
        let expected = if repeated { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
        assert_eq!(request.send().await.status, expected, "{method} {body}");
        assert_eq!(connections.load(Ordering::Relaxed), 1, "{method} {body}");
        assert_eq!(count.load(Ordering::Relaxed), usize::from(repeated), "{method} {body}");
    }
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let (url, connections) = hangs_up_after(usize::MAX).await;
    let world = in_front_of(&[url]).await;
    for _ in 0..5 {
        assert_eq!(world.call(Method::GET, "/ledger/x", Billing).send().await.text(), "ok");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_connection_that_the_backend_gave_up_meanwhile_costs_a_safe_request_nothing() {
    let (url, connections) = hangs_up_after(1).await;
    let world = in_front_of(&[url]).await;
    for made in 1..4 {
        assert_eq!(world.call(Method::GET, "/ledger/x", Billing).send().await.text(), "ok");
        assert_eq!(connections.load(Ordering::Relaxed), made);
    }
}

#[tokio::test]
async fn an_instance_that_is_ready_again_gets_requests_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let other = Arc::new(AtomicUsize::new(0));
    let world = in_front_of(&[format!("http://{address}"), serve(counted(&other)).await]).await;
    let call = || async { world.call(Method::GET, "/ledger/x", Billing).send().await.status };
    for _ in 0..4 {
        assert_eq!(call().await, StatusCode::OK);
    }
    assert_eq!(other.load(Ordering::Relaxed), 4);

    let (asked, mut paths) = mpsc::unbounded_channel();
    let app = Router::new().fallback(any(move |request: axum::extract::Request| {
        asked.send(request.uri().path().to_owned()).unwrap();
        async { "ok" }
    }));
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let first = tokio::time::timeout(Duration::from_secs(60), paths.recv()).await.unwrap().unwrap();
    assert_eq!(first, "/readyz", "nobody's request is the first to try");
    let back = async {
        while paths.try_recv().is_err() {
            assert_eq!(call().await, StatusCode::OK);
        }
    };
    tokio::time::timeout(Duration::from_secs(60), back).await.unwrap();
}
