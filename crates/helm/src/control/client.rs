//! The command line's side of the control socket.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::{
    address,
    protocol::{Reply, Request},
};
use crate::{daemon::DYING, instance::Layout};

/// Pause between two looks at a socket whose daemon may be dying.
const POLL: Duration = Duration::from_millis(25);

/// Sends one request; `None` when no daemon listens, or it was killed while it was asked.
///
/// # Errors
/// When a daemon listens and its answer cannot be understood.
pub async fn ask(layout: &Layout, request: &Request) -> Result<Option<Reply>> {
    let Ok((_folder, address)) = address(&layout.control()) else { return Ok(None) };
    let Ok(stream) = UnixStream::connect(&address).await else { return Ok(None) };
    match converse(stream, request).await {
        Ok(answer) if !answer.is_empty() => {
            Ok(Some(serde_json::from_str(&answer).context("the daemon's answer cannot be understood")?))
        }
        _ if is_gone(&address).await => Ok(None),
        Ok(_) => bail!("the daemon closed the connection without an answer"),
        Err(error) => Err(error).context("the daemon closed the connection"),
    }
}

/// Whether nobody listens any more. A killed daemon loses its connections a moment before its socket.
async fn is_gone(address: &str) -> bool {
    let refused = async {
        while UnixStream::connect(address).await.is_ok() {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(DYING, refused).await.is_ok()
}

async fn converse(stream: UnixStream, request: &Request) -> std::io::Result<String> {
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    write.write_all(line.as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(read).read_line(&mut answer).await?;
    Ok(answer)
}

/// Sends one request to a daemon that must be there.
///
/// # Errors
/// When none listens, or it says no.
pub async fn demand(layout: &Layout, request: &Request) -> Result<Reply> {
    match ask(layout, request).await? {
        Some(reply) if reply.ok => Ok(reply),
        Some(reply) => bail!(reply.message),
        None => bail!("the suite in {} is not running; start it with `helm up`", layout.home().display()),
    }
}
