//! What happens on one connection, to tell when it is over: nobody asks anything, answers are not taken, or requests are
//! begun only to be broken off (HTTP/2 rapid reset).
//!
//! For HTTP/1.1 the HTTP library and the socket know all of this but the first; for HTTP/2 they do not.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use tokio::{sync::Notify, time::Instant};

/// Time from the handshake to the first request.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Time between two requests of a connection.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Time in which a client must make room for more of an answer.
const TAKE_TIMEOUT: Duration = Duration::from_secs(60);
/// Requests that a client may break off before they are answered, beyond as many as were answered. A browser that leaves
/// a page breaks off a few dozen.
const MAX_BROKEN_OFF: u64 = 100;

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum Over {
    #[error("nothing was asked")]
    Silent,
    #[error("nothing more was asked")]
    Idle,
    #[error("an answer was not taken")]
    Stalled,
    #[error("too many requests were broken off")]
    BrokenOff,
}

/// Watches one connection.
#[derive(Debug)]
pub(super) struct Watch {
    counts: Mutex<Counts>,
    changed: Notify,
    /// Several requests at a time (HTTP/2).
    multiplexed: bool,
}

#[derive(Debug)]
struct Counts {
    begun: u64,
    answered: u64,
    broken_off: u64,
    open: usize,
    /// When the last request ended; before the first, the handshake.
    idle_since: Instant,
    /// When the last piece of an answer was handed over, by request, as long as no more was asked for.
    handed_over: HashMap<u64, Instant>,
}

impl Watch {
    /// Watches a connection that begins now.
    pub(super) fn new(multiplexed: bool) -> Arc<Self> {
        let counts = Counts {
            begun: 0,
            answered: 0,
            broken_off: 0,
            open: 0,
            idle_since: Instant::now(),
            handed_over: HashMap::new(),
        };
        Arc::new(Self { counts: Mutex::new(counts), changed: Notify::new(), multiplexed })
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        let mut counts = self.counts();
        counts.begun += 1;
        counts.open += 1;
        UnderWay { watch: self.clone(), number: counts.begun, answered: false }
    }

    /// Waits until the connection is over.
    pub(super) async fn over(&self) -> Over {
        loop {
            let due = match self.judge(Instant::now()) {
                Ok(due) => due,
                Err(over) => return over,
            };
            tokio::select! {
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Why the connection is over, or when to look again; `None` when only a change can matter.
    fn judge(&self, now: Instant) -> Result<Option<Instant>, Over> {
        let counts = self.counts();
        let after = |since: Instant, timeout, over| {
            let due = since + timeout;
            if due <= now { Err(over) } else { Ok(Some(due)) }
        };
        if counts.begun == 0 {
            return after(counts.idle_since, FIRST_REQUEST_TIMEOUT, Over::Silent);
        }
        if !self.multiplexed {
            return Ok(None);
        }
        if counts.broken_off > counts.answered + MAX_BROKEN_OFF {
            return Err(Over::BrokenOff);
        }
        if counts.open == 0 {
            return after(counts.idle_since, IDLE_TIMEOUT, Over::Idle);
        }
        let oldest = counts.handed_over.values().min();
        oldest.map_or(Ok(Some(now + TAKE_TIMEOUT)), |since| after(*since, TAKE_TIMEOUT, Over::Stalled))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request until the end of its answer.
#[derive(Debug)]
pub(super) struct UnderWay {
    watch: Arc<Watch>,
    number: u64,
    answered: bool,
}

impl UnderWay {
    /// The answer, whose body is followed to its end.
    pub(super) fn answer<B>(mut self, answer: http::Response<B>) -> http::Response<Followed<B>> {
        self.answered = true;
        self.watch.counts().answered += 1;
        answer.map(|body| Followed { body, request: self })
    }

    fn handed_over(&self) {
        if self.watch.multiplexed {
            self.watch.counts().handed_over.insert(self.number, Instant::now());
        }
    }

    fn asked_for_more(&self) {
        if self.watch.multiplexed {
            self.watch.counts().handed_over.remove(&self.number);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut counts = self.watch.counts();
        counts.open -= 1;
        counts.handed_over.remove(&self.number);
        if counts.open == 0 {
            counts.idle_since = Instant::now();
        }
        if !self.answered {
            counts.broken_off += 1;
            self.watch.changed.notify_one();
        }
    }
}

/// The body of an answer on its way to the client.
#[derive(Debug)]
pub(super) struct Followed<B> {
    body: B,
    request: UnderWay,
}

impl<B: Body + Unpin> Body for Followed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match frame {
            Poll::Ready(_) => self.request.handed_over(),
            // It is the service that keeps everybody waiting.
            Poll::Pending => self.request.asked_for_more(),
        }
        frame
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
    use http::Response;
    use http_body_util::{BodyExt, Full};

    use super::*;

    /// Why the connection is over and after how many seconds; `None` when it is not within an hour.
    async fn over(watch: &Watch) -> Option<(Over, u64)> {
        let begun = Instant::now();
        let over = tokio::time::timeout(Duration::from_secs(3600), watch.over()).await.ok()?;
        Some((over, begun.elapsed().as_secs()))
    }

    fn answer(request: UnderWay) -> Followed<Full<bytes::Bytes>> {
        request.answer(Response::new(Full::from("x"))).into_body()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_on_which_nothing_happens_is_over() {
        for multiplexed in [true, false] {
            let watch = Watch::new(multiplexed);
            assert_eq!(over(&watch).await, Some((Over::Silent, 30)));
        }
        let watch = Watch::new(true);
        let slow = watch.begin();
        assert_eq!(over(&watch).await, None, "a request is under way");
        answer(slow).collect().await.unwrap();
        assert_eq!(over(&watch).await, Some((Over::Idle, 75)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_ends_the_connection_and_a_silent_service_does_not() {
        let watch = Watch::new(true);
        let mut taken = answer(watch.begin());
        taken.frame().await.unwrap().unwrap();
        assert_eq!(over(&watch).await, Some((Over::Stalled, 60)));
        let (_sender, receiver) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(1);
        let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
        let silent = Response::new(axum::body::Body::from_stream(stream));
        let mut events = watch.begin().answer(silent).into_body();
        drop(taken);
        assert!(tokio::time::timeout(Duration::from_secs(1), events.frame()).await.is_err());
        assert_eq!(over(&watch).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_are_only_broken_off_end_the_connection() {
        let watch = Watch::new(true);
        for _ in 0..50 {
            answer(watch.begin()).collect().await.unwrap();
        }
        for _ in 0..150 {
            drop(watch.begin());
        }
        assert_ne!(over(&watch).await.map(|(over, _)| over), Some(Over::BrokenOff));
        drop(watch.begin());
        assert_eq!(over(&watch).await, Some((Over::BrokenOff, 0)));
    }
}
