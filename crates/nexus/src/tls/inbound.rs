//! The body of a request on its way in: it must keep moving, and what goes wrong with it is remembered for the answer.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::domain::{framing::Refusal, headers};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Time for which a body may stand still. Shorter than the time a service may be silent, so that it is clear who waited
/// for whom.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes per second by which a client earns patience back: slower ones run out of it.
const SLOWEST: u32 = 500;

/// What went wrong with the body of a request, if anything did; an extension of the request.
#[derive(Clone, Debug, Default)]
pub struct BodyFault(Arc<OnceLock<Refusal>>);

impl BodyFault {
    /// What went wrong so far.
    pub fn get(&self) -> Option<Refusal> {
        self.0.get().copied()
    }
}

/// The body of a request.
pub(super) struct Inbound<B> {
    body: B,
    fault: BodyFault,
    patience: Duration,
    /// Since when the client is waited for, and until when it will be.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> Inbound<B> {
    /// A body whose faults are noted in `fault`.
    pub(super) fn new(body: B, fault: BodyFault) -> Self {
        Self { body, fault, patience: PATIENCE, waiting: None }
    }

    fn fail(&self, refusal: Refusal) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // The first fault is the one that counts.
        let _ = self.fault.0.set(refusal);
        Poll::Ready(Some(Err(refusal.into())))
    }
}

/// The patience left after a wait that ended with a piece of `length` bytes.
fn left(patience: Duration, waited: Duration, length: usize) -> Duration {
    let earned = Duration::from_secs(1) * u32::try_from(length).unwrap_or(u32::MAX) / SLOWEST;
    (patience.saturating_sub(waited) + earned).min(PATIENCE)
}

impl<B> Body for Inbound<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                let patience = self.patience;
                let (_, timeout) = self
                    .waiting
                    .get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(patience))));
                if timeout.as_mut().poll(cx).is_ready() { self.fail(Refusal::TooSlow) } else { Poll::Pending }
            }
            Poll::Ready(Some(Ok(mut frame))) => {
                if let Some((since, _)) = self.waiting.take() {
                    let length = frame.data_ref().map_or(0, Bytes::len);
                    self.patience = left(self.patience, since.elapsed(), length);
                }
                if let Some(trailers) = frame.trailers_mut() {
                    headers::clean_trailers(trailers);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => self.fail(Refusal::Body),
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http_body_util::{BodyExt, StreamBody};
    use tokio_stream::{StreamExt, wrappers::ReceiverStream};

    use super::*;

    /// A body whose pieces of so many bytes come so many seconds apart.
    fn paced(pieces: &[(u64, usize)]) -> Inbound<impl Body<Data = Bytes, Error = BoxError> + Unpin + use<>> {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let pieces = pieces.to_vec();
        tokio::spawn(async move {
            for (seconds, length) in pieces {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                let _ = sender.send(Bytes::from(vec![0; length])).await;
            }
        });
        let frames = ReceiverStream::new(receiver).map(|data| Ok(Frame::data(data)));
        Inbound::new(StreamBody::new(Box::pin(frames)), BodyFault::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_be_slow_but_not_forever() {
        for (pieces, arrives) in [
            (&[(19, 10), (0, 10)][..], true),
            (&[(21, 10)], false),
            (&[(10, 1), (11, 1)], false),
            (&[(10, 10_000), (15, 10_000), (19, 10_000), (19, 1)], true),
            (&[(2, 1000); 100], true),
            (&[(2, 100); 100], false),
        ] {
            let body = paced(pieces);
            let fault = body.fault.clone();
            let outcome = body.collect().await;
            assert_eq!(outcome.is_ok(), arrives, "{pieces:?}");
            assert_eq!(fault.get(), (!arrives).then_some(Refusal::TooSlow), "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_is_remembered_and_trailers_say_nothing_about_the_request() {
        let broken =
            StreamBody::new(tokio_stream::iter([Err::<Frame<Bytes>, _>(std::io::Error::other("gone"))]));
        let fault = BodyFault::default();
        assert!(Inbound::new(broken, fault.clone()).collect().await.is_err());
        assert_eq!(fault.get(), Some(Refusal::Body));

        let trailers: HeaderMap =
            [("x-checksum", "1"), ("content-length", "9"), ("authorization", "Bearer x")]
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .into_iter()
                .collect();
        let frames = tokio_stream::iter([Ok::<_, std::io::Error>(Frame::trailers(trailers))]);
        let collected = Inbound::new(StreamBody::new(frames), BodyFault::default()).collect().await.unwrap();
        let names: Vec<_> = collected.trailers().unwrap().keys().collect();
        assert_eq!(names, ["x-checksum"]);
    }
}
