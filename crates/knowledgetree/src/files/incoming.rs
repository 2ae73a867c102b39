//! A file on its way in: written beside the others, hashed while it comes, and then put in its place in one step.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use tokio::{
    fs::File,
    io::{AsyncWriteExt as _, BufWriter},
};
use uuid::Uuid;

use super::{Files, blocking, make_folder};
use crate::domain::files::Hasher;

/// Bytes that are written to the disk together.
const BUFFER: usize = 256 * 1024;

/// A draft that disappears with its owner.
#[derive(Debug)]
pub(super) struct Draft(pub PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // One that stays is removed by the next look around.
        let _ = fs::remove_file(&self.0);
    }
}

/// A file that is coming. Nothing of it stays when it is dropped.
pub struct Incoming {
    draft: Draft,
    file: BufWriter<File>,
    hash: Hasher,
    size: u64,
}

impl Incoming {
    pub(super) async fn begin(folder: &Path) -> io::Result<Self> {
        let draft = Draft(folder.join(Uuid::new_v4().to_string()));
        let file = tokio::fs::OpenOptions::from(private()).open(&draft.0).await?;
        Ok(Self { draft, file: BufWriter::with_capacity(BUFFER, file), hash: Hasher::default(), size: 0 })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be written, such as on a full disk.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the file; it is on the disk then, whatever happens to the machine.
    ///
    /// # Errors
    /// When it cannot be written to its end.
    pub async fn finish(mut self) -> io::Result<Received> {
        self.file.flush().await?;
        self.file.get_ref().sync_all().await?;
        Ok(Received { draft: self.draft, hash: self.hash.finish().to_string(), size: self.size })
    }
}

/// A whole file that is not in its place yet. Nothing of it stays when it is dropped.
#[derive(Debug)]
pub struct Received {
    draft: Draft,
    hash: String,
    size: u64,
}

impl Received {
    /// SHA-256 in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where it can be read.
    pub(super) fn path(&self) -> &Path {
        &self.draft.0
    }
}

/// A file in its place that nobody has recorded yet.
#[derive(Debug)]
pub struct Settling {
    received: Received,
    place: PathBuf,
}

impl Files {
    /// Puts a file in its place.
    ///
    /// # Errors
    /// When that cannot be done.
    pub async fn place(&self, received: Received) -> io::Result<Settling> {
        let place = self.path_of(&received.hash).ok_or_else(|| io::Error::other("a hash is no hash"))?;
        if let Some(folder) = place.parent() {
            make_folder(folder).await?;
        }
        let settling = Settling { received, place };
        settling.link().await?;
        Ok(settling)
    }
}

impl Settling {
    /// To be called when the file has its record: looks once more whether the bytes are there, since somebody may have removed them as
    /// unused before.
    ///
    /// # Errors
    /// When they are gone and cannot be put back.
    pub async fn recorded(self) -> io::Result<()> {
        if tokio::fs::try_exists(&self.place).await? { Ok(()) } else { self.link().await }
    }

    async fn link(&self) -> io::Result<()> {
        let (draft, place) = (self.received.path().to_owned(), self.place.clone());
        blocking(move || {
            match fs::hard_link(&draft, &place) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
                // Not every file system knows links.
                Err(_) => copy(&draft, &place)?,
            }
            sync_folder_of(&place)
        })
        .await
    }
}

/// Copies in one visible step.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let copy = Draft(from.with_extension("copy"));
    let mut target = private().open(&copy.0)?;
    io::copy(&mut fs::File::open(from)?, &mut target)?;
    target.sync_all()?;
    fs::rename(&copy.0, to)
}

/// A name is on the disk when its folder is.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

/// A new file that only this account can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}
