//! HTTP/2 written and read frame by frame, so that anything can be said (RFC 9113, RFC 7541).

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use crate::door::Door;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RESET: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GO_AWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;
pub const ACKNOWLEDGED: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// Headers as literals, never indexed, never compressed (RFC 7541 §6.2.2).
pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let mut rest = text.len();
        let mut bytes = vec![u8::try_from(rest.min(127)).unwrap()];
        if rest >= 127 {
            rest -= 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    headers.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// The status in a block of response headers.
fn status(block: &[u8]) -> u16 {
    match block[0] {
        0x88 => 200,
        0x8c => 400,
        0x8d => 404,
        0x8e => 500,
        // A literal for the name `:status`; its digits are Huffman codes of five and six bits.
        _ => {
            let mut bits = block[2..].iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1));
            (0..3).fold(0, |number, _| {
                let mut code = bits.by_ref().take(5).fold(0, |code, bit| (code << 1) | u16::from(bit));
                if code > 2 {
                    code = ((code << 1) | u16::from(bits.next().unwrap())) - 0x19 + 3;
                }
                number * 10 + code
            })
        }
    }
}

/// A block of headers on the first stream, in as many frames as it needs.
pub fn frames_of(block: &[u8], flags: u8) -> Vec<u8> {
    let mut pieces = block.chunks(16_000).peekable();
    let mut frames = Vec::new();
    let mut kind = HEADERS;
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() { END_HEADERS } else { 0 };
        let of_stream = if kind == HEADERS { flags } else { 0 };
        frames.extend(frame(kind, last | of_stream, 1, piece));
        kind = CONTINUATION;
    }
    frames
}

/// How the gateway reacts.
#[derive(Debug, PartialEq)]
pub enum Reaction {
    Answered(u16),
    /// The stream or the connection was broken off.
    BrokenOff,
}

/// An HTTP/2 connection without manners.
pub struct Connection(pub TlsStream<TcpStream>);

impl Connection {
    pub async fn open(door: &Door) -> Self {
        let mut stream = door.connection("h2").await;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        Self(stream)
    }

    pub async fn say(&mut self, frames: &[u8]) {
        // The other side may have heard enough already.
        let _ = self.0.write_all(frames).await;
    }

    /// The next frame: its kind, flags and payload; `None` at the end of the connection.
    pub async fn hear(&mut self) -> Option<(u8, u8, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], payload))
    }

    /// Listens until the first stream is answered or broken off.
    pub async fn reaction(&mut self) -> Reaction {
        loop {
            match self.hear().await {
                Some((HEADERS, _, payload)) => return Reaction::Answered(status(&payload)),
                None | Some((RESET | GO_AWAY, ..)) => return Reaction::BrokenOff,
                Some(_) => {}
            }
        }
    }
}
