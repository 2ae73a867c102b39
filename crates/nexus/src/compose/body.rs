//! The body of a composed page, rewritten piece by piece as it arrives.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use lol_html::{OutputSink, send::HtmlRewriter};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// About as much as is added to a page.
const ADDED: usize = 8 * 1024;

/// Collects what the rewriter has finished.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    /// Makes room, so that a piece of this length needs no more than one allocation.
    fn expect(&self, length: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).reserve(length + ADDED);
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl OutputSink for Output {
    fn handle_chunk(&mut self, chunk: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(chunk);
    }
}

/// A page on its way through the rewriter.
pub(super) struct ComposedBody {
    inner: Body,
    /// Gone after the end, and after markup that cannot be rewritten: the rest then passes as it is.
    rewriter: Option<Box<HtmlRewriter<'static, Output>>>,
    output: Output,
    done: bool,
}

impl ComposedBody {
    pub fn new(inner: Body, (rewriter, output): (HtmlRewriter<'static, Output>, Output)) -> Self {
        Self { inner, rewriter: Some(Box::new(rewriter)), output, done: false }
    }

    /// The finished form of a piece; may be empty while a tag is incomplete.
    fn push(&mut self, data: Bytes) -> Bytes {
        let Some(rewriter) = &mut self.rewriter else { return data };
        self.output.expect(data.len());
        if let Err(error) = rewriter.write(&data) {
            tracing::warn!(error = %error, "a page could not be composed");
            self.rewriter = None;
        }
        self.output.take().into()
    }

    fn finish(&mut self) -> Bytes {
        if let Some(rewriter) = self.rewriter.take()
            && let Err(error) = rewriter.end()
        {
            tracing::warn!(error = %error, "a page could not be composed to its end");
        }
        self.output.take().into()
    }
}

impl HttpBody for ComposedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while !self.done {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Trailers of a page mean nothing to a browser.
                    let Ok(data) = frame.into_data() else { continue };
                    let piece = self.push(data);
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
        self.done
    }
}
