//! Boards that stay current by themselves: server-sent events with the JSON of a view (beacon.md §4).
//!
//! Every stream reads the same watched copy and the same finished answers. A reader that is slow gets the newest board
//! when it is ready for it; nothing is queued meanwhile.

use std::{convert::Infallible, future::Future, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use super::{
    answer::{Asked, Shown},
    places::Place,
};
use crate::{Beacon, cache::Current};

/// Streams that one caller may open in a minute: more than a browser needs that finds all its tabs cut off at once.
pub const OPENINGS: u32 = 120;
/// How often an open stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often it is looked whether the reader may still see the board.
const CHECK: Duration = Duration::from_millis(500);
/// Browsers come back this many milliseconds after a stream broke off.
const START: Bytes = Bytes::from_static(b"retry: 2000\n\n");
const SIGN_OF_LIFE: Bytes = Bytes::from_static(b": \n\n");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Whether whoever opened a stream may still read it.
pub trait Reader: Send + Sync + 'static {
    /// Looks it up again.
    fn may_read(&self) -> impl Future<Output = bool> + Send;
}

/// The stream of what was asked, as long as `reader` may see it; it holds its place until it ends.
pub fn response<R: Reader>(
    beacon: &Beacon,
    asked: Asked,
    reader: R,
    headers: &HeaderMap,
    place: Place,
) -> Response {
    let seen = headers.get(LAST_EVENT_ID).cloned();
    let stream = BoardStream::new(beacon.clone(), asked, reader, seen, place);
    let chunks = stream::unfold(stream, |mut stream| async {
        let chunk = stream.next().await?;
        Some((Ok::<_, Infallible>(chunk), stream))
    });
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store")),
        // For a reverse proxy in front of the gateway.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (head, Body::from_stream(chunks)).into_response()
}

struct BoardStream<R> {
    beacon: Beacon,
    asked: Asked,
    reader: R,
    /// Entity tag of the board that the reader has.
    seen: Option<HeaderValue>,
    board: watch::Receiver<Current>,
    check: Interval,
    keep_alive: Interval,
    has_begun: bool,
    /// What is left of the event under way, last part first.
    rest: Vec<Bytes>,
    _place: Place,
}

enum Woken {
    Stop,
    Check,
    Board,
    KeepAlive,
}

impl<R: Reader> BoardStream<R> {
    fn new(beacon: Beacon, asked: Asked, reader: R, seen: Option<HeaderValue>, place: Place) -> Self {
        let every = |period| {
            let mut interval = interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        Self {
            board: beacon.0.tickets.watch(),
            beacon,
            asked,
            reader,
            seen,
            check: every(CHECK),
            keep_alive: every(KEEP_ALIVE),
            has_begun: false,
            rest: vec![START],
            _place: place,
        }
    }

    /// The next piece of the body; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(part) = self.rest.pop() {
                return Some(part);
            }
            match self.wait().await {
                Woken::Stop => return None,
                Woken::Check if self.may_read().await => {}
                Woken::Check => return None,
                Woken::KeepAlive => return Some(SIGN_OF_LIFE),
                Woken::Board => self.rest = self.news().await?,
            }
        }
    }

    /// Looking it up may take a while: a stop does not wait for it.
    async fn may_read(&self) -> bool {
        let stop = &self.beacon.0.context.shutdown;
        stop.run_until_cancelled(self.reader.may_read()).await.unwrap_or_default()
    }

    /// The end and the right to read come before any news.
    async fn wait(&mut self) -> Woken {
        let stop = &self.beacon.0.context.shutdown;
        if !self.has_begun {
            return if stop.is_cancelled() { Woken::Stop } else { Woken::Board };
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => Woken::Stop,
            _ = self.check.tick() => Woken::Check,
            changed = self.board.changed() => if changed.is_ok() { Woken::Board } else { Woken::Stop },
            _ = self.keep_alive.tick() => Woken::KeepAlive,
        }
    }

    /// The event of the current board, empty where the reader has it; none at the end.
    async fn news(&mut self) -> Option<Vec<Bytes>> {
        let current = self.board.borrow_and_update().clone();
        let shown = if std::mem::replace(&mut self.has_begun, true) {
            // Who polls Codex has just asked; nobody waits here.
            Shown { current, reference: self.beacon.0.reference.known() }
        } else {
            self.beacon.0.context.shutdown.run_until_cancelled(Shown::load(&self.beacon)).await?
        };
        let answer = match shown.answer(&self.beacon, &self.asked).await {
            Ok(answer) => answer,
            Err(problem) => {
                tracing::error!(cause = problem.cause_text(), "a board could not be written: {problem}");
                return None;
            }
        };
        if self.seen.as_ref() == Some(&answer.etag) {
            return Some(Vec::new());
        }
        self.seen = Some(answer.etag.clone());
        let [start, end] = answer.parts(self.beacon.0.context.clock.now());
        let head = [b"event: tickets\nid: ", answer.etag.as_bytes(), b"\ndata: "].concat();
        Some(vec![Bytes::from_static(b"\n\n"), end, start, head.into()])
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use hivematrix_shared::testing::TestIdentity;
    use http_body_util::BodyExt;

    use super::*;
    use crate::{
        config::Settings,
        routes::answer::{BoardQuery, Detail},
    };

    struct Anybody;

    impl Reader for Anybody {
        async fn may_read(&self) -> bool {
            true
        }
    }

    /// Somebody whose right cannot be looked up.
    struct Unknown;

    impl Reader for Unknown {
        async fn may_read(&self) -> bool {
            std::future::pending().await
        }
    }

    fn opened<R: Reader>(beacon: &Beacon, reader: R) -> Body {
        let view = beacon.0.views.iter().next().unwrap();
        let asked = Asked::new(view, BoardQuery::default(), Detail::Whole);
        let place = beacon.0.places.take("user").unwrap();
        response(beacon, asked, reader, &HeaderMap::new(), place).into_body()
    }

    fn beacon() -> Beacon {
        Beacon::new(TestIdentity::default().context("beacon"), Settings::parse_from(["beacon"]))
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_stream_says_every_fifteen_seconds_that_it_lives() {
        let beacon = beacon();
        let began = Instant::now();
        let mut body = opened(&beacon, Anybody);
        let mut signs = Vec::new();
        while signs.len() < 4 {
            let frame = body.frame().await.unwrap().unwrap();
            if frame.into_data().unwrap() == SIGN_OF_LIFE {
                signs.push(began.elapsed().as_secs());
            }
        }
        assert_eq!(signs, [15, 30, 45, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_does_not_wait_until_it_is_known_who_may_read() {
        let beacon = beacon();
        let mut body = opened(&beacon, Unknown);
        let stop = beacon.0.context.shutdown.clone();
        tokio::spawn(async move {
            tokio::time::sleep(CHECK * 2).await;
            stop.cancel();
        });
        let began = Instant::now();
        while body.frame().await.is_some() {}
        assert_eq!(began.elapsed(), CHECK * 2);
    }
}
