//! A body that is encoded piece by piece.

use std::{
    io::{self, Write},
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};

use crate::domain::encoding::Coding;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Encoded bytes that are worth a frame of their own while more is there.
const PIECE: usize = 16 * 1024;
/// Fast levels: an answer is encoded once for one reader, and nobody should wait for it.
const BROTLI_QUALITY: u32 = 3;
/// Binary logarithm of the window: what an encoder may look back on, and most of what it costs in memory.
const BROTLI_WINDOW: u32 = 18;
const BROTLI_BUFFER: usize = 4096;

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    // Boxed, since the state is large and moves with the body.
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Encoder {
    fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Coding::Brotli => {
                let writer = CompressorWriter::new(Vec::new(), BROTLI_BUFFER, BROTLI_QUALITY, BROTLI_WINDOW);
                Self::Brotli(Box::new(writer))
            }
        }
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(data),
            Self::Brotli(encoder) => encoder.write_all(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Brotli(encoder) => encoder.flush(),
        }
    }

    fn output(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
        }
    }
}

/// Encodes what `inner` brings. Bytes are kept back only while more of them is there already: as soon as `inner` has to be
/// waited for, everything read so far goes out in readable form, so that a slow page appears as it grows.
pub(super) struct EncodedBody {
    inner: Body,
    /// Gone once the end, or an error, was reached.
    encoder: Option<Encoder>,
    /// Whether the encoder holds bytes that nobody can read yet.
    holds_back: bool,
    trailers: Option<HeaderMap>,
}

impl EncodedBody {
    pub fn new(inner: Body, coding: Coding) -> Self {
        Self { inner, encoder: Some(Encoder::new(coding)), holds_back: false, trailers: None }
    }

    /// Takes in a piece; returns bytes once there are enough of them.
    fn push(&mut self, data: &[u8]) -> io::Result<Option<Bytes>> {
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        encoder.write(data)?;
        self.holds_back = true;
        Ok((encoder.output().len() >= PIECE).then(|| std::mem::take(encoder.output()).into()))
    }

    /// Everything taken in so far, readable.
    fn flush(&mut self) -> io::Result<Option<Bytes>> {
        let Some(encoder) = self.encoder.as_mut().filter(|_| self.holds_back) else { return Ok(None) };
        encoder.flush()?;
        self.holds_back = false;
        Ok(Some(std::mem::take(encoder.output()).into()).filter(|bytes: &Bytes| !bytes.is_empty()))
    }

    fn finish(&mut self) -> io::Result<Option<Bytes>> {
        let Some(encoder) = self.encoder.take() else { return Ok(None) };
        Ok(Some(encoder.finish()?.into()).filter(|bytes: &Bytes| !bytes.is_empty()))
    }
}

impl HttpBody for EncodedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        while self.encoder.is_some() {
            let piece = match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.push(&data)?,
                    Err(frame) => {
                        self.trailers = frame.into_trailers().ok();
                        self.finish()?
                    }
                },
                Poll::Ready(Some(Err(error))) => {
                    // Not completed: the reader must notice that something is missing.
                    self.encoder = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                Poll::Ready(None) => self.finish()?,
                Poll::Pending => match self.flush()? {
                    None => return Poll::Pending,
                    piece => piece,
                },
            };
            if let Some(piece) = piece {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.trailers.is_none()
    }
}
