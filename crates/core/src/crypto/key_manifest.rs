//! The list of signing keys beside their files, written from the first rotation on (core.md §5). All processes that use the
//! folder act by it, so they need not talk to each other.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::key_files::{KeyFileError, io_error};
use crate::domain::key_schedule::KeySchedule;

const NAME: &str = "jwt_keys.json";
const LOCK: &str = "jwt_keys.lock";

/// Changes whenever the file does: inode, size, modification time.
pub type Stamp = (u64, u64, i64, i64);

/// The manifest of one folder.
#[derive(Clone, Debug)]
pub struct Manifest {
    folder: PathBuf,
}

impl Manifest {
    /// The manifest in the folder of a private key.
    pub fn beside(private: &Path) -> Self {
        Self { folder: private.parent().map(Path::to_owned).unwrap_or_default() }
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// The place of a file that the manifest names; of no name, the folder.
    pub fn path_of(&self, file: &Path) -> PathBuf {
        self.folder.join(file)
    }

    /// State of the file; `None` when there is none.
    pub fn stamp(&self) -> Option<Stamp> {
        let meta = fs::metadata(self.path()).ok()?;
        Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
    }

    /// The keys, or `None` before the first rotation.
    ///
    /// # Errors
    /// When the file is readable by others or makes no sense: another key is never used instead.
    pub fn read(&self) -> Result<Option<KeySchedule>, KeyFileError> {
        let path = self.path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&path)(error)),
        };
        let mode = fs::metadata(&path).map_err(io_error(&path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::OpenMode { path, mode });
        }
        let wrong = |reason: String| KeyFileError::Manifest { path: path.clone(), reason };
        let schedule: KeySchedule =
            serde_json::from_slice(&text).map_err(|error| wrong(format!("it is damaged: {error}")))?;
        let names: BTreeSet<_> = schedule.keys.iter().map(|key| key.kid.as_str()).collect();
        if names.is_empty() || names.contains("") || names.len() != schedule.keys.len() {
            return Err(wrong("it needs at least one key, and every key a name of its own".into()));
        }
        Ok(Some(schedule))
    }

    /// Replaces the file completely or not at all (0600).
    pub fn write(&self, schedule: &KeySchedule) -> Result<(), KeyFileError> {
        let path = self.path();
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            serde_json::to_writer_pretty(&mut file, schedule)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        let written = write();
        if written.is_err() {
            // Best effort: a leftover draft does no harm.
            drop(fs::remove_file(&draft));
        }
        written.map_err(io_error(&path))
    }

    /// Keeps other processes from changing keys, until the returned file is dropped.
    pub fn lock(&self) -> Result<File, KeyFileError> {
        let path = self.path_of(LOCK.as_ref());
        let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        open().and_then(|file| file.lock().map(|()| file)).map_err(io_error(&path))
    }

    /// Keeps keys from being changed while they are read. Where nothing was ever changed there is nothing to wait for.
    pub fn lock_shared(&self) -> Result<Option<File>, KeyFileError> {
        let path = self.path_of(LOCK.as_ref());
        match File::open(&path) {
            Ok(file) => file.lock_shared().map(|()| Some(file)).map_err(io_error(&path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error(&path)(error)),
        }
    }
}
