//! Opening connections to backends, over TLS where the address says so.

use std::time::Duration;

use hyper::client::conn::http1;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tower::ServiceExt;

use super::instance::{Connection, Instance};
use crate::{clients::tls, config::Settings};

/// For the connection alone; then again for all of it, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes that are read from a backend at once. A buffer that grows with the answer soon is a mapping of its own, whose pages
/// the system has to clear for each piece; this one comes from the heap, and holds the head of any answer.
const READ_BUFFER: usize = 64 * 1024;

/// Opens connections.
#[derive(Clone)]
pub(super) struct Connector(HttpsConnector<HttpConnector>);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// Nobody listens, or TLS failed.
    #[error("{0}")]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    /// No HTTP on it.
    #[error(transparent)]
    Http(#[from] hyper::Error),
    /// It took too long.
    #[error("no connection in time")]
    Timeout,
}

impl Connector {
    pub fn new(settings: &Settings) -> Result<Self, rustls::Error> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls::client_config(&settings.common)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self(connector))
    }

    /// A new connection, watched by the runtime it was asked for on.
    pub async fn connect(&self, instance: &Instance) -> Result<Connection, ConnectError> {
        let opening = async {
            let stream = self.0.clone().oneshot(instance.origin().clone()).await;
            let stream = stream.map_err(ConnectError::Refused)?;
            Ok(http1::Builder::new().read_buf_exact_size(Some(READ_BUFFER)).handshake(stream).await?)
        };
        let (sender, connection) =
            tokio::time::timeout(READY_TIMEOUT, opening).await.unwrap_or(Err(ConnectError::Timeout))?;
        let base = instance.base().to_owned();
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(base, error = %error, "a connection to a backend ended");
            }
        });
        Ok(sender)
    }
}
