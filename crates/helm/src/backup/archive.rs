//! The archive as bytes: a tar inside age, parts cut into numbered entries, checksums on the way.

mod reader;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use age::{Encryptor, stream::StreamWriter, x25519::Recipient};
use anyhow::{Context, Result, bail};
use aws_lc_rs::digest;

pub use self::reader::{Identities, Sink, read};
use crate::domain::backup::{
    bytes_text,
    manifest::{Header, Manifest},
    named_at,
};

/// Bytes of a part in one entry; what is in memory of an archive.
const ENTRY: usize = 1 << 20;
/// Ending of an archive that is not finished.
const UNFINISHED: &str = ".partial";
const HEADER: &str = "header.json";
const MANIFEST: &str = "manifest.json";
/// Longest header or manifest. What a reader would not read, a writer does not write: the archive would take the place of
/// those before it.
pub const LONGEST_DOCUMENT: u64 = 512 << 20;

/// SHA-256 in hex.
#[must_use]
pub fn hex(digest: digest::Digest) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Removes what killed writers have left in a folder. One that lives, of whichever instance, holds a lock on its file.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let archive = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(UNFINISHED));
        let is_ours = archive.is_some_and(|name| named_at(name).is_some());
        if is_ours
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// An archive that is being written, under another name until it is whole.
pub struct Writer {
    tar: tar::Builder<StreamWriter<BufWriter<File>>>,
    temporary: Temporary,
    path: PathBuf,
}

/// Removed unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Writer {
    /// Begins the archive `name` in `folder`.
    ///
    /// # Errors
    /// When there is such an archive already, or the folder cannot be written.
    pub fn create(folder: &Path, name: &str, recipients: &[Recipient], header: &Header) -> Result<Self> {
        let path = folder.join(name);
        if path.exists() {
            bail!("{} exists already", path.display());
        }
        let temporary = folder.join(format!(".{name}{UNFINISHED}"));
        // New, and never through a link that somebody else has laid there.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .with_context(|| format!("cannot write in {}", folder.display()))?;
        // Where another instance saw the file in the moment before it was locked, it is gone. A file system that knows no locks
        // gives nobody one, and nothing is swept there.
        if file.lock().is_ok() && file.metadata()?.nlink() == 0 {
            bail!("another backup tidied up in {} at this moment; try again", folder.display());
        }
        Self::over(file, Temporary(temporary), path, recipients, header)
    }

    fn over(
        file: File,
        temporary: Temporary,
        path: PathBuf,
        recipients: &[Recipient],
        header: &Header,
    ) -> Result<Self> {
        let encryptor = Encryptor::with_recipients(recipients.iter().map(|key| key as &dyn age::Recipient))
            .context("cannot encrypt for these recipients")?;
        let encrypted = encryptor.wrap_output(BufWriter::with_capacity(ENTRY, file)).context(NO_WRITE)?;
        let mut writer = Self { tar: tar::Builder::new(encrypted), temporary, path };
        writer.entry(HEADER, &serde_json::to_vec_pretty(header)?).context(NO_WRITE)?;
        Ok(writer)
    }

    /// Begins a part.
    pub fn part(&mut self, name: &str) -> PartWriter<'_> {
        PartWriter {
            name: name.to_owned(),
            buffer: Vec::with_capacity(ENTRY),
            entries: 0,
            bytes: 0,
            digest: digest::Context::new(&digest::SHA256),
            archive: self,
        }
    }

    fn entry(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_size(content.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        self.tar.append_data(&mut header, name, content)
    }

    /// Writes the manifest and gives the archive its name, when every byte of it is on the disk.
    ///
    /// # Errors
    /// When the disk does not take it, or nobody would read the manifest; nothing is left then.
    pub fn finish(mut self, manifest: &Manifest) -> Result<(PathBuf, u64)> {
        let text = serde_json::to_vec(manifest)?;
        fits(text.len() as u64)?;
        self.entry(MANIFEST, &text).context(NO_WRITE)?;
        let Self { tar, temporary, path } = self;
        let finish = || -> io::Result<u64> {
            let file = tar.into_inner()?.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            fs::rename(&temporary.0, &path)?;
            if let Some(folder) = path.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok(file.metadata()?.len())
        };
        let bytes = finish().context(NO_WRITE)?;
        Ok((path, bytes))
    }
}

/// # Errors
/// When a document is longer than an archive's may be.
fn fits(length: u64) -> Result<()> {
    if length > LONGEST_DOCUMENT {
        bail!("its list of files is longer than {}", bytes_text(LONGEST_DOCUMENT));
    }
    Ok(())
}

const NO_WRITE: &str = "the archive cannot be written";

/// A part that is being written.
pub struct PartWriter<'a> {
    archive: &'a mut Writer,
    name: String,
    buffer: Vec<u8>,
    entries: u32,
    bytes: u64,
    digest: digest::Context,
}

/// How long a part became, and its SHA-256 in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

impl PartWriter<'_> {
    /// Writes what is left of the part.
    ///
    /// # Errors
    /// When the archive cannot be written.
    pub fn finish(mut self) -> io::Result<Written> {
        self.entry()?;
        Ok(Written { bytes: self.bytes, sha256: hex(self.digest.finish()) })
    }

    fn entry(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.archive.entry(&format!("{}/{:06}", self.name, self.entries), &self.buffer)?;
        self.entries += 1;
        self.buffer.clear();
        Ok(())
    }
}

impl Write for PartWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(ENTRY - self.buffer.len());
        let bytes = &bytes[..taken];
        self.buffer.extend_from_slice(bytes);
        self.digest.update(bytes);
        self.bytes += taken as u64;
        if self.buffer.len() == ENTRY {
            self.entry()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
