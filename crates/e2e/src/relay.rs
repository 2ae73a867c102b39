//! A connection that can be cut: a TCP relay in front of a server that must go on for others.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes bytes on, as long as it is not cut.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    open: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Relays to `target`, which is `host:port`.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub async fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port")?;
        let address = listener.local_addr()?;
        let open = Arc::new(watch::Sender::new(true));
        let task = tokio::spawn(accept(listener, target.to_owned(), open.clone()));
        Ok(Self { address, open, task })
    }

    /// Ends every connection and lets no new one through.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: String, open: Arc<watch::Sender<bool>>) {
    while let Ok((mut inner, _)) = listener.accept().await {
        let (mut is_open, target) = (open.subscribe(), target.clone());
        if !*is_open.borrow_and_update() {
            continue;
        }
        tokio::spawn(async move {
            let Ok(mut outer) = TcpStream::connect(&target).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut inner, &mut outer) => {}
                _ = is_open.wait_for(|open| !open) => {}
            }
        });
    }
}
