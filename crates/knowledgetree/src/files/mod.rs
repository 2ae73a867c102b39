//! The bytes of files (knowledgetree.md §7). The tree's store knows what there is; here lie the bytes, by the hash of their content, so
//! that no name of a person ever becomes a path and the same file is kept once.
//!
//! Any number of processes may share the folder. Bytes that somebody records while somebody else removes them as unused stay: who
//! records looks afterwards whether they are still there and has them at hand until then, and who removes puts them aside first and
//! asks once more.

mod incoming;
pub mod reader;
mod remove;
mod text;
mod tidy;

use std::{
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{fs::File, sync::Semaphore};

pub use self::{
    incoming::{Incoming, Received, Settling},
    tidy::tidy_daily,
};
use crate::domain::files::{ContentHash, FileRecord};

/// Texts that are read out of files at the same time: each may need the memory of its whole file.
const READERS: usize = 2;
/// Folder of what is on its way in or out.
const PASSING: &str = "tmp";

/// The folder of the bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Files {
    folder: Arc<Path>,
    reader: Arc<Path>,
    readers: Arc<Semaphore>,
}

impl Files {
    /// Bytes below `folder`, which is made when the first file comes. `reader` is this program: what is risky to read, it reads in a
    /// process of its own ([`reader`]).
    pub fn new(folder: impl Into<PathBuf>, reader: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into().into(),
            reader: reader.into().into(),
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// A place for a file that is coming.
    ///
    /// # Errors
    /// When nothing can be written.
    pub async fn begin(&self) -> io::Result<Incoming> {
        let passing = self.passing();
        make_folder(&passing).await?;
        Incoming::begin(&passing).await
    }

    /// A file to read, and its length in bytes.
    ///
    /// # Errors
    /// `NotFound` where its bytes are not there.
    pub async fn open(&self, file: &FileRecord) -> io::Result<(File, u64)> {
        let path = match &file.content_hash {
            Some(hash) => self.path_of(hash),
            None => self.named(&file.filename),
        };
        let file = File::open(path.ok_or(io::ErrorKind::NotFound)?).await?;
        let meta = file.metadata().await?;
        if !meta.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok((file, meta.len()))
    }

    /// Where the bytes with this hash lie; nowhere for what is no hash.
    fn path_of(&self, hash: &str) -> Option<PathBuf> {
        let hash: ContentHash = hash.parse().ok()?;
        Some(self.folder.join(hash.relative_path()))
    }

    /// Where upstream's bytes lie: under their stored name.
    fn named(&self, filename: &str) -> Option<PathBuf> {
        let is_plain =
            filename.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        (is_plain && !filename.is_empty() && !filename.starts_with('.')).then(|| self.folder.join(filename))
    }

    fn passing(&self) -> PathBuf {
        self.folder.join(PASSING)
    }
}

/// Makes a folder that only this account can look into, and those above it.
async fn make_folder(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    blocking(move || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)).await
}

/// Work on the disk, off the threads that serve.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
