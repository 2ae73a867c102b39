//! A JSON array read element by element while it is still coming, so that a large one is never in memory as a whole.

use std::{fmt, io, marker::PhantomData};

use bytes::{Buf as _, Bytes};
use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, SeqAccess, Visitor},
};
use tokio::sync::mpsc::Receiver;

/// The bytes of an answer as a blocking reader takes them.
pub(super) struct Incoming {
    chunks: Receiver<io::Result<Bytes>>,
    chunk: Bytes,
}

impl Incoming {
    pub(super) fn new(chunks: Receiver<io::Result<Bytes>>) -> Self {
        Self { chunks, chunk: Bytes::new() }
    }
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
pub(super) fn each<T: for<'de> Deserialize<'de>>(
    reader: impl io::Read,
    take: impl FnMut(T) -> bool,
) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::with_capacity(64 * 1024, reader));
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
