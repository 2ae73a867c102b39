//! The HTTPS listener: TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2, a stop that lets open requests end (nexus.md §12).

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{
    certificate::Loaded,
    places::{Place, Places},
};
use crate::workers::Workers;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Time from the handshake to the first request. Until then the HTTP version is not known, and no other limit counts.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const PING_INTERVAL: Duration = Duration::from_secs(20);
const STREAMS_PER_CONNECTION: u32 = 256;
/// First byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;
/// Time that open requests get after the signal to stop. With the last log lines it stays below the 10 s after which a
/// supervisor kills.
const STOP_GRACE: Duration = Duration::from_secs(6);

/// The certificate in use; it can be replaced while the gateway runs.
#[derive(Debug)]
pub struct CurrentCertificate {
    key: ArcSwap<CertifiedKey>,
    self_made: AtomicBool,
}

impl CurrentCertificate {
    /// Starts with a loaded certificate.
    pub fn new(loaded: &Loaded) -> Self {
        Self { key: ArcSwap::new(loaded.certified.clone()), self_made: AtomicBool::new(loaded.self_made) }
    }

    /// Uses another certificate from the next handshake on; returns whether it is another one.
    pub fn replace(&self, loaded: &Loaded) -> bool {
        self.self_made.store(loaded.self_made, Ordering::Relaxed);
        self.key.swap(loaded.certified.clone()).cert != loaded.certified.cert
    }

    /// Whether no outside authority vouches for it.
    pub fn is_self_made(&self) -> bool {
        self.self_made.load(Ordering::Relaxed)
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.load_full())
    }
}

/// The server side of TLS.
pub fn server_config(certificate: Arc<CurrentCertificate>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

/// Serves `app` until `stop`, then lets open requests end. `https_origin` is where plain HTTP requests are sent.
pub async fn serve(
    listener: TcpListener,
    config: ServerConfig,
    app: Router,
    https_origin: String,
    places: Places,
    stop: CancellationToken,
) {
    serve_on(&Workers::none(), listener, config, app, https_origin, places, stop).await;
}

/// As [`serve`], with connections spread over `workers`.
pub async fn serve_on(
    workers: &Workers,
    listener: TcpListener,
    config: ServerConfig,
    app: Router,
    https_origin: String,
    places: Places,
    stop: CancellationToken,
) {
    let server = Arc::new(Server {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        http: http_builder(),
        https_origin,
    });
    let graceful = GracefulShutdown::new();
    while let Some((stream, peer, place)) = stop.run_until_cancelled(next(&listener, &places)).await {
        let (server, app, watcher) = (server.clone(), app.clone(), graceful.watcher());
        workers.serve(stream, async move |stream: TcpStream| {
            if let Err(error) = server.connection(stream, peer, app, watcher, Arc::new(place)).await {
                tracing::debug!(%peer, error = %error, "a connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("open connections were cut at the end of the grace time");
    }
}

/// The next connection and its place among the open ones.
async fn next(listener: &TcpListener, places: &Places) -> (TcpStream, SocketAddr, Place) {
    loop {
        let free = places.free().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                match places.give(free, peer.ip()) {
                    Some(place) => return (stream, peer, place),
                    None => tracing::debug!(%peer, "a connection was closed: its address has enough of them"),
                }
            }
            Err(error) => {
                // Out of file descriptors, mostly: it passes when other connections end.
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

struct Server {
    acceptor: TlsAcceptor,
    http: auto::Builder<TokioExecutor>,
    https_origin: String,
}

fn http_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .adaptive_window(true);
    builder
}

impl Server {
    async fn connection(
        &self,
        mut stream: TcpStream,
        peer: SocketAddr,
        app: Router,
        watcher: hyper_util::server::graceful::Watcher,
        place: Arc<Place>,
    ) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let handshake = async {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if first != [TLS_HANDSHAKE] {
                self.send_to_https(&mut stream).await?;
                return Ok(None);
            }
            self.acceptor.accept(stream).await.map(Some)
        };
        let Some(stream) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await?? else {
            return Ok(());
        };
        let asked = Arc::new(AtomicBool::new(false));
        let asks = asked.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            asks.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            if request.headers().contains_key(header::UPGRADE) {
                // A WebSocket outlives the HTTP connection, and holds its place.
                request.extensions_mut().insert(place.clone());
            }
            app.clone().call(request)
        });
        let connection = self.http.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = watcher.watch(connection);
        tokio::pin!(connection);
        match tokio::time::timeout(FIRST_REQUEST_TIMEOUT, &mut connection).await {
            Ok(outcome) => outcome.map_err(io::Error::other),
            Err(_) if asked.load(Ordering::Relaxed) => connection.await.map_err(io::Error::other),
            Err(late) => Err(late.into()),
        }
    }

    /// Somebody typed `http://`: show the way instead of a broken connection.
    async fn send_to_https(&self, stream: &mut TcpStream) -> io::Result<()> {
        let answer = format!(
            "HTTP/1.1 308 Permanent Redirect\r\nLocation: {}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.https_origin
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }
}
