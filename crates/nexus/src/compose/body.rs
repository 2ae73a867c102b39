//! The body of a composed page: rewritten, and compressed where the browser takes it, piece by piece as it arrives.

use std::{
    io::Write,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body::{Body as HttpBody, Frame};
use lol_html::{OutputSink, send::HtmlRewriter};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Collects what the rewriter has finished.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
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
    gzip: Option<GzEncoder<Vec<u8>>>,
    done: bool,
}

impl ComposedBody {
    pub fn new(inner: Body, (rewriter, output): (HtmlRewriter<'static, Output>, Output), gzip: bool) -> Self {
        let gzip = gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        Self { inner, rewriter: Some(Box::new(rewriter)), output, gzip, done: false }
    }

    /// The finished form of a piece; may be empty while a tag is incomplete.
    fn push(&mut self, data: &[u8]) -> std::io::Result<Vec<u8>> {
        let rewritten = match &mut self.rewriter {
            None => data.to_vec(),
            Some(rewriter) => match rewriter.write(data) {
                Ok(()) => self.output.take(),
                Err(error) => {
                    tracing::warn!(error = %error, "a page could not be composed");
                    self.rewriter = None;
                    self.output.take()
                }
            },
        };
        match &mut self.gzip {
            Some(gzip) if !rewritten.is_empty() => {
                gzip.write_all(&rewritten)?;
                gzip.flush()?;
                Ok(std::mem::take(gzip.get_mut()))
            }
            _ => Ok(rewritten),
        }
    }

    fn finish(&mut self) -> std::io::Result<Vec<u8>> {
        if let Some(rewriter) = self.rewriter.take()
            && let Err(error) = rewriter.end()
        {
            tracing::warn!(error = %error, "a page could not be composed to its end");
        }
        let rest = self.output.take();
        match self.gzip.take() {
            Some(mut gzip) => {
                gzip.write_all(&rest)?;
                gzip.finish()
            }
            None => Ok(rest),
        }
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
                    let piece = self.push(&data)?;
                    if !piece.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(piece.into()))));
                    }
                }
                Some(Err(error)) => {
                    self.done = true;
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    self.done = true;
                    let rest = self.finish()?;
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(rest.into()))));
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
