//! The listeners: HTTPS with TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2, and plain HTTP for the redirect. Their stop lets open
//! requests end (nexus.md §12).

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
use axum::Router;
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
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    certificate::Loaded,
    connection::Http,
    patient::Patient,
    places::{Place, Places},
};
use crate::workers::Workers;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";
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
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

/// Serves `app` over TLS until `stop`, each connection on one of `workers`, then lets open requests end. `https_origin` is
/// where plain HTTP requests are sent.
pub async fn serve(
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
        http: Http::new(app, stop.clone()),
        https_origin,
    });
    let attend = move |stream, place, peer| server.clone().connection(stream, place, peer);
    accept(workers, listener, places, stop, attend).await;
}

/// Serves `app` over plain HTTP/1.1, with the same limits.
pub async fn serve_plain(listener: TcpListener, app: Router, places: Places, stop: CancellationToken) {
    let http = Arc::new(Http::new(app, stop.clone()));
    let attend = move |stream, place, peer| {
        let http = http.clone();
        async move { http.serve_one(Patient::new(stream, place), peer).await }
    };
    accept(&Workers::none(), listener, places, stop, attend).await;
}

/// Hands every connection to `attend` until `stop`, then waits for those that are open.
async fn accept<F, C>(
    workers: &Workers,
    listener: TcpListener,
    places: Places,
    stop: CancellationToken,
    attend: F,
) where
    F: Fn(TcpStream, Place, SocketAddr) -> C + Clone + Send + 'static,
    C: Future<Output = io::Result<()>> + Send + 'static,
{
    let open = TaskTracker::new();
    while let Some((stream, peer, place)) = stop.run_until_cancelled(next(&listener, &places)).await {
        let (attend, still_open) = (attend.clone(), open.token());
        workers.serve(stream, async move |stream: TcpStream| {
            if let Err(error) = attend(stream, place, peer).await {
                tracing::debug!(%peer, error = %error, "a connection ended");
            }
            drop(still_open);
        });
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(STOP_GRACE, open.wait()).await.is_err() {
        tracing::warn!("open connections were cut at the end of the grace time");
    }
}

/// The next connection and its place among the open ones.
async fn next(listener: &TcpListener, places: &Places) -> (TcpStream, SocketAddr, Place) {
    loop {
        let free = places.free().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers leave at once instead of waiting for more data.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(error = %error, "TCP_NODELAY was not set");
                }
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
    http: Http,
    https_origin: String,
}

impl Server {
    async fn connection(
        self: Arc<Self>,
        mut stream: TcpStream,
        place: Place,
        peer: SocketAddr,
    ) -> io::Result<()> {
        let handshake = async {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if first != [TLS_HANDSHAKE] {
                self.send_to_https(&mut stream).await?;
                return Ok(None);
            }
            self.acceptor.accept(Patient::new(stream, place)).await.map(Some)
        };
        let Some(stream) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await?? else {
            return Ok(());
        };
        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
            self.http.serve_two(stream, peer).await
        } else {
            self.http.serve_one(stream, peer).await
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
