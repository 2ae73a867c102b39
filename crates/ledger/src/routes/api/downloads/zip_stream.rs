//! A ZIP archive that is sent while it is made.

use std::{
    collections::HashSet,
    io::{self, Write},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use hivematrix_shared::problem::{Problem, Result};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// So long nobody takes a file, and the archive is given up: behind it waits an answer of Codex, of which there are few.
const STALLED: Duration = Duration::from_secs(30);
/// Files that wait for their place in the archive.
const WAITING: usize = 4;
/// Bytes that are sent together.
const CHUNK: usize = 32 * 1024;

/// Name and content.
type File = (String, Vec<u8>);

/// Takes files.
pub(super) struct ZipStream {
    files: mpsc::Sender<Result<File, ()>>,
    body: mpsc::Sender<io::Result<Bytes>>,
    names: HashSet<String>,
}

/// Sends what is written.
struct Sending {
    body: mpsc::Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
}

impl Sending {
    fn send(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = Bytes::from(std::mem::take(&mut self.waiting));
        self.body.blocking_send(Ok(bytes)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ZipStream {
    /// An empty archive, and the body that it is sent as.
    pub(super) fn new() -> (Self, Body) {
        let (body, bytes) = mpsc::channel(8);
        let (files, taken) = mpsc::channel(WAITING);
        let sending = Sending { body: body.clone(), waiting: Vec::new() };
        // Packing is work for a thread of its own.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = pack(taken, sending) {
                tracing::debug!(%error, "a ZIP archive was not sent to its end");
            }
        });
        (Self { files, body, names: HashSet::new() }, Body::from_stream(ReceiverStream::new(bytes)))
    }

    /// Adds a file. A name that is there already gets a number.
    pub(super) async fn add(&mut self, name: String, content: impl Into<Vec<u8>>) -> Result<()> {
        let mut unique = name.clone();
        let mut number = 2;
        while !self.names.insert(unique.clone()) {
            let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, "csv"));
            unique = format!("{stem}-{number}.{ending}");
            number += 1;
        }
        match tokio::time::timeout(STALLED, self.files.send(Ok((unique, content.into())))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Problem::internal("nobody reads the archive any more")),
        }
    }

    /// Ends the archive; after an error it breaks off instead.
    pub(super) async fn end(self, outcome: Result<()>) {
        if let Err(error) = outcome {
            tracing::error!(%error, "a ZIP archive breaks off");
            // Where there is no place for them nobody reads, and the connection ends without its end.
            let _ = self.files.try_send(Err(()));
            let _ = self.body.try_send(Err(io::Error::other("the archive breaks off")));
        }
    }
}

fn pack(mut files: mpsc::Receiver<Result<File, ()>>, sending: Sending) -> zip::result::ZipResult<()> {
    let mut archive = ZipWriter::new_stream(sending);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    while let Some(file) = files.blocking_recv() {
        // Without its directory at the end no program takes it for whole.
        let Ok((name, content)) = file else { return Ok(()) };
        archive.start_file(name, options)?;
        archive.write_all(&content)?;
    }
    let mut sending = archive.finish()?.into_inner();
    sending.send()?;
    Ok(())
}
