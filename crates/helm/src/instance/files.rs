//! Files that only their owner may read, written whole or not at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use serde::{Serialize, de::DeserializeOwned};

/// Pause between two looks at a lock that somebody holds.
const LOCK_POLL: Duration = Duration::from_millis(25);

/// Creates a directory (and its parents) that only its owner may enter. An existing one keeps its mode, except that
/// others lose every right but to pass through it.
///
/// # Errors
/// When it cannot be made.
pub fn private_dir(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot create the folder {}", path.display()))?;
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    let wanted = mode & 0o7711;
    if wanted != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(wanted))
            .with_context(|| format!("cannot restrict the folder {}", path.display()))?;
    }
    Ok(())
}

/// Writes a file of mode 0600 by renaming a finished temporary file over it; unchanged content is left alone.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content, 0o600)
}

/// As [`write_private`], readable by everyone.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_public(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content, 0o644)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    if fs::read(path).is_ok_and(|existing| existing == content) {
        let metadata = fs::metadata(path)?;
        if metadata.permissions().mode() & 0o777 != mode {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        return Ok(());
    }
    let temporary = temporary_name(path);
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&temporary)?;
        file.write_all(content)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".new.{}", std::process::id()));
    path.with_file_name(name)
}

/// Reads a JSON file; a missing one gives `None`.
///
/// # Errors
/// When it exists and cannot be read or understood: nothing is ever replaced by a default silently.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let value = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
    Ok(Some(value))
}

/// Writes a JSON file of mode 0600.
///
/// # Errors
/// When it cannot be written.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    write_private(path, &text)
}

/// Opens a log file for appending (0600).
///
/// # Errors
/// When it cannot be opened.
pub fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot open the log file {}", path.display()))
}

/// A lock on a file, released when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct FileLock(Flock<File>);

impl FileLock {
    /// Takes the lock, or gives `None` when another process holds it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        match Flock::lock(lock_file(path)?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(Self(lock))),
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Takes the lock as soon as it is free, or gives `None` when it is still held after `patience`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn take_within(path: &Path, patience: Duration) -> Result<Option<Self>> {
        let started = Instant::now();
        loop {
            let lock = Self::try_take(path)?;
            if lock.is_some() || started.elapsed() >= patience {
                return Ok(lock);
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// When the file cannot be opened or locked.
    pub fn take(path: &Path) -> Result<Self> {
        Flock::lock(lock_file(path)?, FlockArg::LockExclusive)
            .map(Self)
            .map_err(|(_, error)| error)
            .with_context(|| format!("cannot lock {}", path.display()))
    }

    /// Replaces the content of the locked file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, content: &str) -> Result<()> {
        let mut file: &File = &self.0;
        file.set_len(0)?;
        file.write_all(content.as_bytes())?;
        Ok(())
    }
}

fn lock_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .append(true)
        .read(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn private_files_and_folders_are_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("a/b");
        private_dir(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        let file = dir.join("secret");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&file, b"old").unwrap();
        assert_eq!(mode(&file), 0o600, "also when the content is unchanged");
        write_private(&file, b"new").unwrap();
        assert_eq!((fs::read(&file).unwrap().as_slice(), mode(&file)), (&b"new"[..], 0o600));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn an_open_folder_is_closed_but_may_be_passed_through() {
        let folder = tempfile::tempdir().unwrap();
        for (before, after) in [(0o755, 0o711), (0o711, 0o711), (0o700, 0o700), (0o777, 0o711)] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(before)).unwrap();
            private_dir(folder.path()).unwrap();
            assert_eq!(mode(folder.path()), after, "{before:o}");
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_a_missing_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.json");
        assert_eq!(read_json::<Vec<u32>>(&file).unwrap(), None);
        fs::write(&file, "[1").unwrap();
        assert!(read_json::<Vec<u32>>(&file).unwrap_err().to_string().contains("is damaged"));
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FileLock::try_take(&path).unwrap();
        assert!(held.is_some());
        assert!(FileLock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_take(&path).unwrap().is_some());
    }

    #[tokio::test]
    async fn a_lock_is_waited_for_while_its_holder_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = FileLock::try_take(&path).unwrap();
        let none = FileLock::take_within(&path, Duration::ZERO).await.unwrap();
        assert!(none.is_none(), "nobody lets go");
        let waiting = FileLock::take_within(&path, Duration::from_secs(60));
        let letting_go = async {
            tokio::task::yield_now().await;
            drop(held);
        };
        let (taken, ()) = tokio::join!(waiting, letting_go);
        assert!(taken.unwrap().is_some());
    }
}
