//! What travels over a connection to a backend, and what happens to the connection afterwards.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::instance::{Connection, Instance, Load};
use crate::clients::idle::Upload;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request body.
pub(super) enum Outgoing {
    /// None.
    Empty,
    /// What the client sends.
    Upload(Upload),
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Upload(upload) => Pin::new(upload).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Upload(upload) => upload.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Upload(upload) => upload.size_hint(),
        }
    }
}

/// A connection in use. Given back it serves the next request; dropped it is closed.
pub(super) struct Lease {
    pub connection: Connection,
    pub instance: Arc<Instance>,
    pub load: Load,
}

impl Lease {
    /// Gives the connection back after the end of an answer.
    pub fn end(self) {
        let Self { mut connection, instance, load } = self;
        drop(load);
        if connection.is_ready() {
            instance.keep(connection);
        } else if !connection.is_closed() {
            // The answer came before the end of the request's body: the connection is free when that has left, too.
            tokio::spawn(async move {
                if connection.ready().await.is_ok() {
                    instance.keep(connection);
                }
            });
        }
    }
}

/// The body of an answer; its end gives the connection back.
pub(super) struct Leased {
    inner: Incoming,
    lease: Option<Lease>,
}

impl Leased {
    pub fn new(inner: Incoming, lease: Lease) -> Self {
        let mut leased = Self { inner, lease: Some(lease) };
        leased.look_for_end();
        leased
    }

    /// The body of an answer after which the connection is no HTTP any more.
    pub fn ended(inner: Incoming) -> Self {
        Self { inner, lease: None }
    }

    fn look_for_end(&mut self) {
        if self.inner.is_end_stream() {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }
}

impl Body for Leased {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            // Nothing comes after trailers, and nobody asks for it.
            Some(Ok(frame)) if frame.is_trailers() => self.end(),
            // Nor does whoever knows the length ask for more after the last piece.
            Some(Ok(_)) => self.look_for_end(),
            Some(Err(_)) => self.lease = None,
            None => self.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
