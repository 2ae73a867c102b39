//! The real door: TLS with a certificate made on the spot, HTTP/1.1 and HTTP/2 (nexus.md §12).

use std::{sync::Arc, time::Duration};

use hivematrix_nexus::tls::{
    certificate::{self, Wanted},
    listener::{self, CurrentCertificate},
    places::Places,
};
use hivematrix_shared::auth::PermissionLevel::Technician;
use http::{StatusCode, Version};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::support::World;

/// The real door of a gateway under test.
pub struct Door {
    address: std::net::SocketAddr,
    authority: reqwest::Certificate,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
    home: tempfile::TempDir,
}

pub async fn open_door(world: &World) -> Door {
    let home = tempfile::tempdir().unwrap();
    let wanted = Wanted {
        certificate: home.path().join("nexus.crt"),
        key: home.path().join("nexus.key"),
        authority_dir: home.path().to_owned(),
        names: certificate::own_names().into_iter().chain(["gw.test".to_owned()]).collect(),
    };
    #[expect(clippy::disallowed_methods, reason = "the client's certificate check uses the machine's clock")]
    let loaded = certificate::load_or_make(&wanted, chrono::Utc::now()).unwrap();
    let config = listener::server_config(Arc::new(CurrentCertificate::new(&loaded))).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let stop = CancellationToken::new();
    let app = world.gateway.router();
    let places = Places::new(1024, false);
    let origin = "https://gw.test".to_owned();
    let running = tokio::spawn(listener::serve(socket, config, app, origin, places, stop.clone()));
    let authority =
        reqwest::Certificate::from_pem(&std::fs::read(home.path().join("ca.crt")).unwrap()).unwrap();
    Door { address, authority, stop, running, home }
}

impl Door {
    fn client(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .tls_certs_only([self.authority.clone()])
            .resolve("gw.test", self.address)
            .redirect(reqwest::redirect::Policy::none())
    }

    /// A TLS connection on which nothing was said yet.
    pub async fn connection(&self, protocol: &str) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.home.path().join("ca.crt")).unwrap()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider().into();
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("gw.test").unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://gw.test:{}{path}", self.address.port())
    }
}

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
        let response = client
            .get(door.url("/ledger/api/x"))
            .header("host", "gw.test")
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
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
async fn a_request_that_is_none_is_told_so() {
    let world = World::new().await;
    let door = open_door(&world).await;
    let many = (0..150).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    for (request, status) in [
        ("GET /\u{1} HTTP/1.1\r\nHost: gw.test\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nHost: gw.test\r\n{many}\r\n"), "431"),
        ("GET /login HTTP/1.1\r\nHost: gw.test\r\nHost: evil.example\r\n\r\n".to_owned(), "400"),
    ] {
        let mut connection = door.connection("http/1.1").await;
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut start = [0; 12];
        connection.read_exact(&mut start).await.unwrap();
        assert_eq!(std::str::from_utf8(&start).unwrap(), format!("HTTP/1.1 {status}"));
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
    let request = client
        .get(door.url("/ledger/api/x"))
        .header("host", "gw.test")
        .bearer_auth(world.identity.user_token(Technician));
    let answer = tokio::spawn(request.send());
    arrivals.recv().await.unwrap();
    door.stop.cancel();
    go_on.notify_one();
    assert_eq!(answer.await.unwrap().unwrap().text().await.unwrap(), "late");
    drop(client);
    tokio::time::timeout(Duration::from_secs(30), door.running).await.unwrap().unwrap();
    assert!(TcpStream::connect(door.address).await.is_err(), "nobody listens any more");
}
