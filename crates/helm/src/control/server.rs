//! The daemon's side of the control socket.

use std::{fs, io, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};
use tokio_util::sync::CancellationToken;

use super::{
    SOCKET, address,
    protocol::{Reply, Request},
};
use crate::instance::Layout;

/// Does what requests ask for.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn handle(&self, request: Request) -> impl Future<Output = Reply> + Send;
}

/// Opens the socket. The caller holds the daemon's lock, so a socket that is there is a dead one's.
///
/// # Errors
/// When it cannot be made.
pub fn open(layout: &Layout) -> Result<UnixListener> {
    let folder = layout.control();
    let path = folder.join(SOCKET);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    let (_folder, address) = address(&folder)?;
    let listener = UnixListener::bind(address).with_context(|| format!("cannot open {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until `shutdown`.
pub async fn serve(listener: UnixListener, handler: impl Handler, shutdown: CancellationToken) {
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let handler = handler.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, handler).await {
                        tracing::debug!(error = %error, "control connection ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(error = %error, "control connection not accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, handler: impl Handler) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        let reply = match serde_json::from_str(&line) {
            Ok(request) => handler.handle(request).await,
            Err(error) => Reply::failed(format!("request not understood: {error}")),
        };
        let mut answer = serde_json::to_string(&reply)?;
        answer.push('\n');
        write.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
