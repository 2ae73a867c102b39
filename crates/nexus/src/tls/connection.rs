//! One connection, from its first request to its end: HTTP/1.1 or HTTP/2, with the limits of both.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, response::Response};
use http::{Request, StatusCode};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{
    inbound::{BodyFault, Inbound},
    strict::{Link, Strict},
    watch::{Followed, IDLE_TIMEOUT, Over, UnderWay, Watch},
};
use crate::domain::framing::MAX_HEAD;

const PING_INTERVAL: Duration = Duration::from_secs(20);
const STREAMS_PER_CONNECTION: u32 = 128;
/// Bytes of answers that one stream keeps ready while its client does not take them.
const SEND_BUFFER: usize = 64 * 1024;
/// Streams that a client may reset before the gateway has looked at them.
const MAX_RESETS_BEFORE_ACCEPT: usize = 20;
/// Streams that a client may make the gateway reset, by frames that are wrong.
const MAX_RESETS_BY_ERROR: usize = 50;
/// Time that open requests get on a connection that is told to end.
const END_GRACE: Duration = Duration::from_secs(30);

/// Serves connections.
pub(super) struct Http {
    one: http1::Builder,
    two: http2::Builder<TokioExecutor>,
    app: Router,
    stop: CancellationToken,
}

impl Http {
    /// Serves `app`; at `stop`, connections end with the requests that are open on them.
    pub(super) fn new(app: Router, stop: CancellationToken) -> Self {
        let mut one = http1::Builder::new();
        // Heads are timed by `Strict`, so that what this limits is the time between requests.
        one.timer(TokioTimer::new()).header_read_timeout(IDLE_TIMEOUT).max_header_size(MAX_HEAD);
        let mut two = http2::Builder::new(TokioExecutor::new());
        two.timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .max_concurrent_streams(STREAMS_PER_CONNECTION)
            .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(MAX_RESETS_BEFORE_ACCEPT)
            .max_local_error_reset_streams(MAX_RESETS_BY_ERROR)
            .max_send_buf_size(SEND_BUFFER)
            .adaptive_window(true);
        Self { one, two, app, stop }
    }

    /// Serves HTTP/1.1 over `stream`.
    pub(super) async fn serve_one<S>(&self, stream: S, peer: SocketAddr) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (watch, link) = (Watch::new(false), Arc::new(Link::default()));
        let io = TokioIo::new(Strict::new(stream, link.clone()));
        let service = service_fn(|mut request: Request<Incoming>| {
            if let Some(refusal) = link.refusal() {
                request.extensions_mut().insert(refusal);
            }
            let (answer, link) = (self.answer(request, peer, watch.begin()), link.clone());
            async move {
                let answer = answer.await?;
                if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                    link.switch();
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = pin!(self.one.serve_connection(io, service).with_upgrades());
        self.attend(connection, http1::UpgradeableConnection::graceful_shutdown, &watch).await
    }

    /// Serves HTTP/2 over `stream`.
    pub(super) async fn serve_two<S>(&self, stream: S, peer: SocketAddr) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let watch = Watch::new(true);
        let service = service_fn(|request| self.answer(request, peer, watch.begin()));
        let connection = pin!(self.two.serve_connection(TokioIo::new(stream), service));
        self.attend(connection, http2::Connection::graceful_shutdown, &watch).await
    }

    /// The answer to one request.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        under_way: UnderWay,
    ) -> impl Future<Output = Result<Response<Followed<Body>>, Infallible>> + Send + use<> {
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(ConnectInfo(peer));
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            let fault = BodyFault::default();
            parts.extensions.insert(fault.clone());
            Body::new(Inbound::new(body, fault))
        };
        let answer = self.app.clone().call(Request::from_parts(parts, body));
        async move { Ok(under_way.answer(answer.await?)) }
    }

    /// Keeps a connection going until it ends, is over, or everything stops.
    async fn attend<C>(
        &self,
        mut connection: Pin<&mut C>,
        end: fn(Pin<&mut C>),
        watch: &Watch,
    ) -> io::Result<()>
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let over = tokio::select! {
            outcome = connection.as_mut() => return outcome.map_err(io::Error::other),
            () = self.stop.cancelled() => None,
            over = watch.over() => Some(over),
        };
        match over {
            None => {
                end(connection.as_mut());
                connection.await.map_err(io::Error::other)
            }
            Some(over @ Over::Idle) => {
                end(connection.as_mut());
                tokio::time::timeout(END_GRACE, connection)
                    .await
                    .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, over))?
                    .map_err(io::Error::other)
            }
            Some(over) => Err(io::Error::new(io::ErrorKind::TimedOut, over)),
        }
    }
}
