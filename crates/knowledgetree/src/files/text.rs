//! Looking into files: whether they are what their names say, and the words in them.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Files, Received, blocking, reader};
use crate::domain::files::{ContentMismatch, Kind, text};

/// Time for reading the words of a file. What takes longer has none; the file is there all the same.
const TIME: Duration = Duration::from_secs(10);
/// Bytes at the start of a file that tell what it is, where no more are needed.
const HEAD: u64 = 4096;

impl Files {
    /// Whether a file is of the kind that its name says; nobody is handed anything else under that name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn check(&self, file: &Received, kind: Kind) -> io::Result<Result<(), ContentMismatch>> {
        let path = file.path().to_owned();
        let permit = self.permit().await?;
        blocking(move || {
            let bytes = read(&path, if is_told_by_head(kind) { Some(HEAD) } else { None })?;
            drop(permit);
            Ok(kind.check(&bytes))
        })
        .await
    }

    /// The words of a file, for the search; nothing where there are none, nobody can read them, or it takes too long.
    pub async fn words(&self, file: &Received, kind: Kind) -> Option<String> {
        let path = file.path().to_owned();
        let reading = async {
            match kind {
                Kind::Png | Kind::Jpg | Kind::Jpeg | Kind::Gif | Kind::Doc | Kind::Xls => None,
                Kind::Pdf => {
                    let _permit = self.permit().await.ok()?;
                    reader::words(&self.reader, &path).await
                }
                Kind::Txt | Kind::Md | Kind::Csv | Kind::Json | Kind::Xml | Kind::Docx | Kind::Xlsx => {
                    read_words(path, kind, self.permit().await.ok()?).await
                }
            }
        };
        match tokio::time::timeout(TIME, reading).await {
            Ok(words) => words,
            Err(_) => {
                tracing::warn!(hash = file.hash(), "the words of a file take too long to read");
                None
            }
        }
    }

    async fn permit(&self) -> io::Result<OwnedSemaphorePermit> {
        Arc::<Semaphore>::clone(&self.readers).acquire_owned().await.map_err(io::Error::other)
    }
}

/// Holds the permit until it is done, also when nobody waits any more: the memory is needed as long.
async fn read_words(path: PathBuf, kind: Kind, permit: OwnedSemaphorePermit) -> Option<String> {
    let read = blocking(move || {
        let bytes = read(&path, None)?;
        let words = text::extract(kind, &bytes);
        drop(permit);
        Ok(words)
    });
    match read.await {
        Ok(Ok(words)) => Some(words.text).filter(|words| !words.is_empty()),
        Ok(Err(reason)) => {
            tracing::debug!(%reason, "a file has no words");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "the words of a file were not read");
            None
        }
    }
}

/// Whether the first bytes say what it is.
fn is_told_by_head(kind: Kind) -> bool {
    !kind.is_text() && !matches!(kind, Kind::Docx | Kind::Xlsx)
}

fn read(path: &Path, at_most: Option<u64>) -> io::Result<Vec<u8>> {
    let Some(limit) = at_most else { return fs::read(path) };
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
