//! A TCP proxy that can be closed, frozen and sent elsewhere: the way to a server that dies or is cut off.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Passes connections on while it is open.
pub struct Tap {
    address: SocketAddr,
    target: SocketAddr,
    frozen: watch::Sender<bool>,
    open: Option<JoinHandle<()>>,
}

impl Tap {
    /// Open, to the server of an address such as `http://127.0.0.1:5000`.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tap = Self { address, target: target(url), frozen: watch::Sender::new(false), open: None };
        tap.listen(listener);
        tap
    }

    fn listen(&mut self, listener: TcpListener) {
        let (target, frozen) = (self.target, self.frozen.clone());
        self.open = Some(tokio::spawn(async move {
            let mut pipes = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(target).await else { continue };
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                pipes.spawn(pipe(near_read, far_write, frozen.subscribe()));
                pipes.spawn(pipe(far_read, near_write, frozen.subscribe()));
            }
        }));
    }

    /// The address of this side, with the scheme of a server.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Breaks all connections and refuses new ones, as a process that is killed.
    pub async fn close(&mut self) {
        let open = self.open.take().unwrap();
        open.abort();
        let _ = open.await;
    }

    /// Takes connections again, to the server of `url`.
    pub async fn open(&mut self, url: &str) {
        self.target = target(url);
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.listen(listener);
    }

    /// Lets nothing through any more, without a word to either side, as a network that is cut.
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// Lets everything through again.
    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.abort();
        }
    }
}

fn target(url: &str) -> SocketAddr {
    url.split_once("://").unwrap().1.parse().unwrap()
}

async fn pipe(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, mut frozen: watch::Receiver<bool>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if frozen.wait_for(|frozen| !frozen).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
