//! The byte stream under an HTTP/1.1 connection, which lets only unambiguous requests through (domain::framing).
//!
//! A refused head never reaches the HTTP library. In its place comes a harmless request that ends the connection, and the
//! handler of the connection finds the reason in the [`Link`]: so the answer keeps its place behind earlier ones and looks
//! like every other error.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use crate::domain::framing::{Framing, Refusal};

/// Time for a head from its first byte on.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const IN_PLACE_OF_REFUSED: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";

/// What the stream and the handler of one connection tell each other.
#[derive(Debug, Default)]
pub(super) struct Link {
    refusal: OnceLock<Refusal>,
    switched: AtomicBool,
}

impl Link {
    /// Why the request that is being handled is to be refused: it is not the one the client sent.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal.get().copied()
    }

    /// The connection is given over to another protocol: nothing more is looked at.
    pub(super) fn switch(&self) {
        self.switched.store(true, Ordering::Release);
    }
}

/// A stream of unambiguous requests.
pub(super) struct Strict<S> {
    stream: S,
    link: Arc<Link>,
    framing: Framing,
    /// A head that is not complete. Empty, and without memory, between requests.
    held: Vec<u8>,
    head_timeout: Option<Pin<Box<Sleep>>>,
    /// Bytes that may be read, and how many of them have been.
    ready: (Vec<u8>, usize),
    refused: Option<Refusal>,
}

impl<S: AsyncRead + Unpin> Strict<S> {
    /// Looks at what comes over `stream`.
    pub(super) fn new(stream: S, link: Arc<Link>) -> Self {
        Self {
            stream,
            link,
            framing: Framing::default(),
            held: Vec::new(),
            head_timeout: None,
            ready: (Vec::new(), 0),
            refused: None,
        }
    }

    /// Hands out what is ready.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let (bytes, given) = &mut self.ready;
        let length = buf.remaining().min(bytes.len() - *given);
        buf.put_slice(&bytes[*given..*given + length]);
        *given += length;
        if *given == bytes.len() {
            self.ready = (Vec::new(), 0);
        }
        length > 0
    }

    /// Looks at what has just been read, and leaves in `buf` what may pass.
    fn take_in(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let fresh = &buf.filled()[before..];
        let passed;
        if self.held.is_empty() {
            passed = self.framing.follow(fresh);
            self.held.extend_from_slice(&fresh[passed.bytes..]);
            buf.set_filled(before + passed.bytes);
        } else {
            self.held.extend_from_slice(fresh);
            buf.set_filled(before);
            passed = self.framing.follow(&self.held);
            let rest = self.held.split_off(passed.bytes);
            self.ready = (std::mem::replace(&mut self.held, rest), 0);
        }
        self.refused = passed.refused;
        if self.held.is_empty() || self.refused.is_some() {
            self.held = Vec::new();
            self.head_timeout = None;
        } else if passed.bytes > 0 {
            self.head_timeout = None;
        }
    }

    /// What is still said on a connection that is going to be closed.
    fn discard(&mut self, cx: &mut Context<'_>) {
        let mut scratch = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                _ => return,
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.give(buf) {
                return Poll::Ready(Ok(()));
            }
            match this.refused {
                // The HTTP library is in the middle of the body, so the body fails.
                Some(Refusal::Body) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, Refusal::Body)));
                }
                Some(refusal) if this.link.refusal.set(refusal).is_ok() => {
                    this.ready = (IN_PLACE_OF_REFUSED.to_vec(), 0);
                    continue;
                }
                Some(_) => {
                    this.discard(cx);
                    return Poll::Pending;
                }
                None => {}
            }
            if this.link.switched.load(Ordering::Acquire) {
                this.head_timeout = None;
                if this.held.is_empty() {
                    return Pin::new(&mut this.stream).poll_read(cx, buf);
                }
                this.ready = (std::mem::take(&mut this.held), 0);
                continue;
            }
            let before = buf.filled().len();
            match Pin::new(&mut this.stream).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() > before => this.take_in(buf, before),
                Poll::Pending if !this.held.is_empty() => {
                    let timeout =
                        this.head_timeout.get_or_insert_with(|| Box::pin(tokio::time::sleep(HEAD_TIMEOUT)));
                    ready!(timeout.as_mut().poll(cx));
                    this.held = Vec::new();
                    this.refused = Some(Refusal::TooSlow);
                }
                ended => return ended,
            }
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const GOOD: &[u8] = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";

    fn connected() -> (DuplexStream, Strict<DuplexStream>, Arc<Link>) {
        let (client, server) = duplex(1 << 20);
        let link = Arc::new(Link::default());
        (client, Strict::new(server, link.clone()), link)
    }

    async fn read(stream: &mut Strict<DuplexStream>, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn the_reason_of_a_refusal_is_known_only_once_its_turn_has_come() {
        let (mut client, mut server, link) = connected();
        client.write_all(GOOD).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert_eq!(read(&mut server, GOOD.len()).await, GOOD);
        assert_eq!(link.refusal(), None);
        assert_eq!(read(&mut server, IN_PLACE_OF_REFUSED.len()).await, IN_PLACE_OF_REFUSED);
        assert_eq!(link.refusal(), Some(Refusal::Host));
        let more = tokio::time::timeout(Duration::from_millis(1), server.read_u8()).await;
        assert!(more.is_err(), "nothing that follows is read");
    }

    #[tokio::test]
    async fn a_head_in_pieces_arrives_as_a_whole() {
        let (mut client, mut server, _) = connected();
        for byte in GOOD {
            client.write_all(&[*byte]).await.unwrap();
            // Each byte is looked at alone.
            let mut nothing = [0; 64];
            let mut buf = ReadBuf::new(&mut nothing);
            let polled = std::future::poll_fn(|cx| {
                Poll::Ready(Pin::new(&mut server).poll_read(cx, &mut buf).is_ready())
            })
            .await;
            if polled && buf.filled().len() > 1 {
                assert_eq!(buf.filled(), &GOOD[..GOOD.len() - 2]);
            }
        }
        assert!(server.held.is_empty() && server.held.capacity() == 0, "nothing is kept between requests");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_refused_and_waiting_for_one_is_not() {
        let (mut client, mut server, link) = connected();
        let waited = tokio::time::timeout(10 * HEAD_TIMEOUT, server.read_u8()).await;
        assert!(waited.is_err() && link.refusal().is_none(), "an idle connection");
        client.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
        let slow = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                tokio::time::sleep(HEAD_TIMEOUT / 20).await;
            }
        });
        assert_eq!(read(&mut server, IN_PLACE_OF_REFUSED.len()).await, IN_PLACE_OF_REFUSED);
        assert_eq!(link.refusal(), Some(Refusal::TooSlow));
        drop(server);
        slow.await.unwrap();
    }

    #[tokio::test]
    async fn malformed_chunks_fail_the_body() {
        let (mut client, mut server, link) = connected();
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        client.write_all(head).await.unwrap();
        assert_eq!(read(&mut server, head.len()).await, head);
        client.write_all(b"5\nhello\r\n").await.unwrap();
        assert_eq!(server.read(&mut [0; 64]).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(link.refusal(), None);
    }

    #[tokio::test]
    async fn after_a_switch_of_protocols_everything_passes() {
        let (mut client, mut server, link) = connected();
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
        client.write_all(head).await.unwrap();
        client.write_all(b"\x81early").await.unwrap();
        assert_eq!(read(&mut server, head.len()).await, head);
        link.switch();
        client.write_all(b"\n\n").await.unwrap();
        assert_eq!(read(&mut server, 8).await, b"\x81early\n\n");
    }
}
