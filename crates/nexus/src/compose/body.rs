//! The body of a composed page, changed piece by piece as it arrives.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use lol_html::OutputSink;

use super::{
    rewriter::Front,
    tail::{Tail, mend_cut},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bytes handed to the parser at once: little more than the head of a page is parsed, the rest passes as it is.
const SLICE: usize = 512;

/// Collects what the rewriter has finished.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn move_to(&self, out: &mut Vec<u8>) {
        out.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl OutputSink for Output {
    fn handle_chunk(&mut self, chunk: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(chunk);
    }
}

/// Where in the page the next piece belongs.
enum Place {
    /// In front of the body, or in a document without one.
    Front(Box<Front>),
    /// In the body; the text belongs at its end.
    Inside(Tail, String),
    /// Behind markup that cannot be rewritten: the rest passes as it is.
    Beyond,
}

/// A page on its way through the rewriter.
pub(super) struct ComposedBody {
    inner: Body,
    place: Place,
    /// What follows on the piece that was given last: passed on as it arrived, without a copy.
    next: Bytes,
    done: bool,
}

impl ComposedBody {
    pub fn new(inner: Body, front: Front) -> Self {
        Self { inner, place: Place::Front(Box::new(front)), next: Bytes::new(), done: false }
    }

    /// The finished form of a piece; may be empty while a tag is incomplete.
    fn push(&mut self, piece: Bytes) -> Bytes {
        match &mut self.place {
            Place::Front(_) => self.push_front(piece),
            Place::Inside(tail, _) => tail.push(piece),
            Place::Beyond => piece,
        }
    }

    fn push_front(&mut self, mut piece: Bytes) -> Bytes {
        let Place::Front(front) = &mut self.place else { return piece };
        let mut out = Vec::new();
        while !piece.is_empty() && !front.is_complete() {
            let slice = piece.split_to(piece.len().min(SLICE));
            if let Err(error) = front.push(&slice, &mut out) {
                tracing::warn!(error = %error, "a page could not be composed");
                out.extend_from_slice(&slice);
                self.place = Place::Beyond;
                self.next = piece;
                return out.into();
            }
        }
        if !front.is_complete() {
            return out.into();
        }
        let body_end = front.body_end();
        let Place::Front(front) = std::mem::replace(&mut self.place, Place::Beyond) else {
            return out.into();
        };
        out.extend(last_of(*front));
        mend_cut(&mut out, &mut piece);
        let mut tail = Tail::default();
        let passed = tail.push(out.into());
        // The rest may be nearly all of the page: it stays the memory it came in.
        self.next = tail.push(piece);
        self.place = Place::Inside(tail, body_end);
        passed
    }

    fn finish(&mut self) -> Bytes {
        match std::mem::replace(&mut self.place, Place::Beyond) {
            Place::Front(front) => last_of(*front).into(),
            Place::Inside(tail, body_end) => tail.finish(&body_end),
            Place::Beyond => Bytes::new(),
        }
    }
}

fn last_of(front: Front) -> Vec<u8> {
    let (rest, outcome) = front.finish();
    if let Err(error) = outcome {
        tracing::warn!(error = %error, "a page could not be composed to its end");
    }
    rest
}

impl HttpBody for ComposedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.next.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.next)))));
        }
        while !self.done {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers of a page mean nothing to a browser.
                    let Ok(data) = frame.into_data() else { continue };
                    let mut piece = self.push(data);
                    if piece.is_empty() {
                        piece = std::mem::take(&mut self.next);
                    }
                    if !piece.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                }
                Some(Err(error)) => {
                    self.done = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    self.done = true;
                    let rest = self.finish();
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(rest))));
                    }
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.done && self.next.is_empty()
    }
}
