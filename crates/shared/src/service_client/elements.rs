//! A JSON array read element by element while it is still coming, so that a large one is never in memory as a whole.

use std::{
    fmt,
    io::{self, BufReader},
    marker::PhantomData,
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use futures::TryStreamExt as _;
use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, SeqAccess, Visitor},
};
use tokio::sync::mpsc::{self, Receiver};

/// Reads an answer that is a JSON array and gives each element to `take` as it comes, on a thread that may block. When `take`
/// says no, or takes nothing of what has come for as long as `patience`, reading ends.
///
/// # Errors
/// In words, when the answer is no whole array, breaks off, or is not read on. What `take` was given before stays given.
pub async fn read_elements<T: for<'de> Deserialize<'de> + 'static>(
    response: reqwest::Response,
    patience: Duration,
    take: impl FnMut(T) -> bool + Send + 'static,
) -> Result<(), String> {
    read_incoming(response, patience, move |json| each(json, take)).await
}

/// Reads an answer as it comes by `read`, on a thread that may block.
///
/// # Errors
/// In words, when `read` fails, the answer breaks off, or `read` takes nothing of what has come for as long as `patience`.
pub async fn read_incoming<R: Send + 'static>(
    response: reqwest::Response,
    patience: Duration,
    read: impl FnOnce(BufReader<Incoming>) -> serde_json::Result<R> + Send + 'static,
) -> Result<R, String> {
    let (chunks, incoming) = mpsc::channel(8);
    let incoming = BufReader::with_capacity(64 * 1024, Incoming { chunks: incoming, chunk: Bytes::new() });
    let reading = tokio::task::spawn_blocking(move || read(incoming));
    let mut body = response.bytes_stream();
    loop {
        let chunk = body.try_next().await.map_err(|error| io::Error::other(error.without_url()));
        match chunk {
            Ok(None) => break,
            Ok(Some(chunk)) => match tokio::time::timeout(patience, chunks.send(Ok(chunk))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => break,
                Err(_) => return Err("nobody takes what comes".to_owned()),
            },
            Err(error) => {
                let _ = chunks.send(Err::<Bytes, _>(error)).await;
                break;
            }
        }
    }
    drop(chunks);
    match reading.await {
        Ok(ended) => ended.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// The bytes of an answer as a blocking reader takes them.
pub struct Incoming {
    chunks: Receiver<io::Result<Bytes>>,
    chunk: Bytes,
}

impl io::Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.chunk = chunk?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len());
        buffer[..length].copy_from_slice(&self.chunk[..length]);
        self.chunk.advance(length);
        Ok(length)
    }
}

/// Gives each element to `take` until that says no. The array must be the whole document.
///
/// # Errors
/// When the text is no such array, or reading fails.
fn each<T: for<'de> Deserialize<'de>>(
    reader: impl io::Read,
    take: impl FnMut(T) -> bool,
) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_reader(reader);
    json.deserialize_seq(Elements { take, element: PhantomData })?;
    json.end()
}

struct Elements<T, F> {
    take: F,
    element: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> bool> Visitor<'de> for Elements<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            if !(self.take)(element) {
                return Err(A::Error::custom("nobody reads on"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Result<Vec<u32>, String> {
        let mut found = Vec::new();
        each(text.as_bytes(), |number: u32| {
            found.push(number);
            true
        })
        .map(|()| found)
        .map_err(|error| error.to_string())
    }

    #[test]
    fn only_a_whole_array_is_an_answer() {
        assert_eq!(numbers(" [1, 2,3] "), Ok(vec![1, 2, 3]));
        assert_eq!(numbers("[]"), Ok(vec![]));
        for bad in ["[1, 2", "[1, 2]x", "{}", "", "[1,]", "null"] {
            numbers(bad).unwrap_err();
        }
    }
}
