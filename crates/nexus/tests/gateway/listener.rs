//! The real door: TLS with a certificate made on the spot, HTTP/1.1 and HTTP/2 (nexus.md §12).

use std::{sync::Arc, time::Duration};

use hivematrix_shared::auth::PermissionLevel::Technician;
use http::{StatusCode, Version};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{door::open_door, support::World};

#[tokio::test]
async fn both_http_versions_and_both_tls_versions_are_served_and_verified_by_the_local_authority() {
    use reqwest::tls::Version as Tls;
    let world = World::new().await;
    let door = open_door(&world).await;
    let token = world.identity.user_token(Technician);
    for (client, version) in [
        (door.client(), Version::HTTP_2),
        (door.client().http1_only(), Version::HTTP_11),
        (door.client().tls_version_max(Tls::TLS_1_2), Version::HTTP_2),
        (door.client().tls_version_min(Tls::TLS_1_3), Version::HTTP_2),
    ] {
        let client = client.build().unwrap();
        let response = client.get(door.url("/ledger/api/x")).bearer_auth(&token).send().await.unwrap();
        assert_eq!((response.status(), response.version()), (StatusCode::OK, version));
        let seen: serde_json::Value = response.json().await.unwrap();
        assert_eq!(seen["target"], "/api/x");
        assert_eq!(seen["headers"]["x-forwarded-for"][0], "127.0.0.1");
        assert!(seen["headers"]["strict-transport-security"].is_null());
    }
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_sent_to_https() {
    let world = World::new().await;
    let door = open_door(&world).await;
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    // The request is never read, so the connection may end with a reset after the answer.
    let _ = stream.read_to_string(&mut answer).await;
    assert!(
        answer.starts_with("HTTP/1.1 308 ") && answer.contains("Location: https://gw.test/\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed_before_its_http_version_is_known() {
    let world = World::new().await;
    let door = open_door(&world).await;
    for (protocol, said) in
        [("http/1.1", ""), ("h2", ""), ("http/1.1", "PRI * HTTP/2.0\r\n"), ("http/1.1", "GET / H")]
    {
        let mut silent = door.connection(protocol).await;
        silent.write_all(said.as_bytes()).await.unwrap();
        // Nothing but the limit itself is left to wait for, so the paused clock runs ahead to it.
        tokio::time::pause();
        let read = tokio::time::timeout(Duration::from_secs(60), silent.read_to_end(&mut Vec::new())).await;
        assert!(read.is_ok(), "{protocol} {said:?} is still open");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_stop_lets_the_open_request_end() {
    let (arrived, mut arrivals) = tokio::sync::mpsc::channel::<()>(1);
    let go_on = Arc::new(tokio::sync::Notify::new());
    let wait = go_on.clone();
    let app = axum::Router::new().fallback(move || {
        let (arrived, wait) = (arrived.clone(), wait.clone());
        async move {
            arrived.send(()).await.unwrap();
            wait.notified().await;
            "late"
        }
    });
    let world = World::in_front_of(app).await;
    let door = open_door(&world).await;
    let client = door.client().build().unwrap();
    let request = client.get(door.url("/ledger/api/x")).bearer_auth(world.identity.user_token(Technician));
    let answer = tokio::spawn(request.send());
    arrivals.recv().await.unwrap();
    door.stop.cancel();
    go_on.notify_one();
    assert_eq!(answer.await.unwrap().unwrap().text().await.unwrap(), "late");
    drop(client);
    tokio::time::timeout(Duration::from_secs(30), door.running).await.unwrap().unwrap();
    assert!(TcpStream::connect(door.address).await.is_err(), "nobody listens any more");
}
