//! Bodies on their way through the gateway: an end to silence, a limit to what clients send, an end to endless streams.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The backend was silent for too long in the middle of its answer.
#[derive(Debug, thiserror::Error)]
#[error("the backend was silent for too long")]
pub struct Silence;

/// The client sent more than is passed on.
#[derive(Debug, thiserror::Error)]
#[error("the request body is too large")]
pub struct TooLarge;

/// A response body that ends with an error after `limit` without a byte. The timer exists only while it waits.
pub struct IdleLimited<B> {
    inner: B,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B> IdleLimited<B> {
    /// Limits the silence of a body.
    pub fn new(inner: B, limit: Duration) -> Self {
        Self { inner, limit, timer: None }
    }
}

impl<B> HttpBody for IdleLimited<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            self.timer = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(Silence.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response body without an end of its own, such as an event stream: it ends when the gateway stops, so that the stop
/// does not wait for it and the browser finds the next gateway.
pub struct UntilStop<B> {
    inner: B,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<B> UntilStop<B> {
    /// A body that ends at `stop` at the latest.
    pub fn new(inner: B, stop: CancellationToken) -> Self {
        Self { inner, stop: Box::pin(stop.cancelled_owned()) }
    }
}

impl<B> HttpBody for UntilStop<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.inner).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }
}

/// When a request body last moved, so that a long upload is not taken for a silent backend.
#[derive(Clone, Debug)]
pub struct Progress {
    start: Instant,
    millis: Arc<AtomicU64>,
}

impl Progress {
    /// Progress that begins now.
    pub fn begin() -> Self {
        Self { start: Instant::now(), millis: Arc::default() }
    }

    /// The time of the last movement.
    pub fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }

    fn note(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
    }
}

/// A request body on its way to the backend: counted against the limit, its progress noted.
pub struct Upload {
    inner: Body,
    left: u64,
    progress: Progress,
}

impl Upload {
    /// Passes on at most `limit` bytes.
    pub fn new(inner: Body, limit: u64, progress: Progress) -> Self {
        Self { inner, left: limit, progress }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        self.progress.note();
        Poll::Ready(frame.map(|frame| {
            let frame = frame?;
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            self.left = self.left.checked_sub(length).ok_or(TooLarge)?;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_answer_is_cut_and_a_slow_one_is_not() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, BoxError>>(1);
        let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
        let mut body = IdleLimited::new(Body::from_stream(stream), Duration::from_secs(30));
        tokio::spawn(async move {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(29)).await;
                let _ = sender.send(Ok(Bytes::from_static(b"x"))).await;
            }
            std::future::pending::<()>().await;
        });
        for _ in 0..3 {
            assert!(body.frame().await.unwrap().is_ok());
        }
        assert!(body.frame().await.unwrap().unwrap_err().is::<Silence>());
    }

    #[tokio::test]
    async fn an_event_stream_ends_when_the_gateway_stops() {
        let stop = CancellationToken::new();
        let events = tokio_stream::iter([Ok::<_, BoxError>(Bytes::from_static(b"x"))]);
        let endless = Body::from_stream(tokio_stream::StreamExt::chain(events, tokio_stream::pending()));
        let mut body = UntilStop::new(endless, stop.clone());
        assert!(body.frame().await.unwrap().is_ok());
        stop.cancel();
        assert!(body.frame().await.is_none());
    }

    #[tokio::test]
    async fn what_exceeds_the_limit_is_not_passed_on() {
        let upload = |limit| Upload::new(Body::new(Full::from("12345")), limit, Progress::begin());
        assert_eq!(upload(5).collect().await.unwrap().to_bytes(), "12345");
        assert!(upload(4).collect().await.unwrap_err().is::<TooLarge>());
    }
}
