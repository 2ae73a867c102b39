//! The server that every service runs: the same layers in the same order, listening, and a stop that loses nothing.

pub mod open_files;
mod options;
mod render;
mod stack;
#[cfg(test)]
mod tests;
mod words;

use std::{net::SocketAddr, time::Duration};

use axum::{Router, serve::ListenerExt};
use tokio::net::TcpListener;

pub use self::{
    options::{BODY_LIMIT, ServeOptions},
    stack::{RouteLabel, apply},
};
use crate::context::ServiceContext;

/// Time that open requests get after the signal to stop. With the last log lines it stays below the 10 s after which a
/// supervisor kills.
const STOP_GRACE: Duration = Duration::from_secs(6);

/// A server that cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// Listens, serves `app` behind the common layers until SIGTERM or SIGINT, then stops the background jobs.
pub async fn run(context: ServiceContext, app: Router, options: ServeOptions) -> Result<(), ListenError> {
    let address = SocketAddr::new(context.settings.host, context.settings.listen_port(options.default_port));
    open_files::raise_limit();
    let listener = TcpListener::bind(address).await.map_err(|source| ListenError { address, source })?;
    serve(context, app, options, listener).await;
    Ok(())
}

/// As [`run`], on a listener that is already bound.
pub async fn serve(context: ServiceContext, app: Router, options: ServeOptions, listener: TcpListener) {
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(address, version = context.settings.version(), "listening");
    let app = apply(&context, app, options).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        // Small answers leave at once instead of waiting for more data.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "TCP_NODELAY was not set");
        }
    });
    context.stop_on_signals();
    let stop = context.shutdown.clone();
    let stopping = stop.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move { stopping.cancelled().await });
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::select! {
        outcome = server => {
            if let Err(error) = outcome {
                tracing::error!(error = %error, "the server stopped");
            }
        }
        () = late => tracing::warn!("open connections were cut at the end of the grace time"),
    }
    context.stop().await;
}
