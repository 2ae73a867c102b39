//! The socket of a connection: holds its place among the open ones, and gives up a client that does not read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use super::places::Place;

/// Time without a byte leaving, as long as there are some.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// Time in which a client whose connection is closed may still talk. Without it, what it says would make the system throw
/// away the answer that it has not read yet.
const LINGER: Duration = Duration::from_secs(2);

/// A stream whose patience with the client is limited.
pub(super) struct Patient<S> {
    stream: S,
    timeout: Option<Pin<Box<Sleep>>>,
    lingering: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl<S> Patient<S> {
    /// Limits the patience with `stream`, which holds `place`.
    pub(super) fn new(stream: S, place: Place) -> Self {
        Self { stream, timeout: None, lingering: None, _place: place }
    }

    fn no_longer<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.timeout = None;
            return outcome;
        }
        let timeout = self.timeout.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_TIMEOUT)));
        ready!(timeout.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.no_longer(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.no_longer(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.no_longer(cx, flushed)
    }

    /// Ends the sending side, then waits for the client to end its own.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            let ended = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.no_longer(cx, ended))?;
        }
        let lingering = this.lingering.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        let mut scratch = [0; 4096];
        loop {
            if lingering.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::tls::places::Places;

    async fn place() -> Place {
        let places = Places::new(1000, Default::default());
        places.give(places.free().await, [127, 0, 0, 1].into()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_is_served_and_one_that_stops_is_given_up() {
        let (mut client, server) = duplex(10);
        let mut server = Patient::new(server, place().await);
        let reading = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(WRITE_TIMEOUT - Duration::from_secs(1)).await;
                client.read_exact(&mut [0; 10]).await.unwrap();
            }
            client
        });
        server.write_all(&[1; 110]).await.unwrap();
        let stopped = reading.await.unwrap();
        assert_eq!(server.write_all(&[1; 10]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(stopped);
    }

    #[tokio::test(start_paused = true)]
    async fn closing_waits_a_moment_for_a_client_that_still_talks() {
        let (mut client, server) = duplex(10);
        let mut server = Patient::new(server, place().await);
        let talking = tokio::spawn(async move {
            while client.write_all(&[1; 10]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let begun = tokio::time::Instant::now();
        server.shutdown().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), LINGER.as_secs());
        drop(server);
        talking.await.unwrap();

        let (client, server) = duplex(10);
        let mut server = Patient::new(server, place().await);
        drop(client);
        let begun = tokio::time::Instant::now();
        server.shutdown().await.unwrap();
        assert!(begun.elapsed().is_zero(), "nobody there any more");
    }
}
