//! Files that only their owner may read, written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    fcntl::{Flock, FlockArg},
    unistd::Uid,
};
use serde::{Serialize, de::DeserializeOwned};

use super::beneath::{self, Entry, Found};

/// Pause between two looks at a lock that somebody holds.
/// Longest that somebody else's work under a lock is waited for.
const LONGEST_WORK: Duration = Duration::from_secs(60);
const LOCK_POLL: Duration = Duration::from_millis(25);

/// Creates a directory (and its parents) that only its owner may enter. An existing one keeps its mode, except that
/// others lose every right but to pass through it.
///
/// # Errors
/// When it cannot be made.
pub fn private_dir(path: &Path) -> Result<()> {
    let folder =
        Found::folder(path).with_context(|| format!("cannot create the folder {}", path.display()))?;
    let mode = folder.metadata()?.permissions().mode() & 0o7777;
    let wanted = mode & 0o7711;
    if wanted != mode {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(wanted))
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
    // Looked at and closed by one handle: under its name another file may come meanwhile.
    if let Ok(file) = Found::at(path)
        && file.read().is_ok_and(|existing| existing == content)
    {
        if file.metadata()?.permissions().mode() & 0o777 != mode {
            fs::set_permissions(file.path(), fs::Permissions::from_mode(mode))?;
        }
        return Ok(());
    }
    let entry = Entry::at(path).with_context(|| format!("cannot write {}", path.display()))?;
    let temporary = temporary_name(entry.as_ref());
    let written = (|| {
        // Left by a killed process of the same id. What is written must not be somebody's link to another file.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(content)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        keep_owner(&file, entry.as_ref())?;
        file.sync_all()?;
        fs::rename(&temporary, &entry)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// A file that root writes belongs to whom it belonged before, or who has the folder: root at the command line must not
/// take from Helm's account what that reads. The file is new, so it is nobody's second name for another one.
fn keep_owner(file: &File, path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(before) if before.is_file() => give_as(file, &before),
        _ => give_as_folder(file, path),
    }
}

fn give_as_folder(file: &File, path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    give_as(file, &fs::metadata(folder.unwrap_or(Path::new(".")))?)
}

fn give_as(file: &File, like: &fs::Metadata) -> io::Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

/// Of its own for each writer, also within one process.
fn temporary_name(path: &Path) -> PathBuf {
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".new.{}.{}", std::process::id(), WRITERS.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Reads a JSON file; a missing one gives `None`.
///
/// # Errors
/// When it exists and cannot be read or understood: nothing is ever replaced by a default silently.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match beneath::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    json(path, &text).map(Some)
}

/// What the text of a file says. The error names the place and never what stands there, which may be a secret.
///
/// # Errors
/// When it cannot be understood.
pub fn json<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T> {
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        anyhow::anyhow!("{} is damaged: line {line}, column {column}", path.display())
    })
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
    beneath::open_appending(path).with_context(|| format!("cannot open the log file {}", path.display()))
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

    /// Waits for the lock, but not for ever: whatever is done under one takes seconds.
    ///
    /// # Errors
    /// When the file cannot be opened or locked, or somebody keeps the lock.
    pub fn take(path: &Path) -> Result<Self> {
        let started = Instant::now();
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
            if started.elapsed() >= LONGEST_WORK {
                bail!("another process keeps {} locked; `fuser -v {0}` names it", path.display());
            }
            std::thread::sleep(LOCK_POLL);
        }
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
    let mut options = OpenOptions::new();
    options.append(true).read(true).mode(0o600);
    let opened = Entry::at(path).and_then(|entry| match options.create_new(true).open(&entry) {
        Ok(file) => give_as_folder(&file, entry.as_ref()).map(|()| file),
        // Never given away: it is somebody's.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => beneath::open_appending(path),
        Err(error) => Err(error),
    });
    opened.with_context(|| format!("cannot open {}", path.display()))
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
    #[ignore = "needs root"]
    fn what_root_writes_belongs_to_whom_it_belonged_or_who_has_the_folder() {
        const HELM: u32 = 65_533;
        const CORE: u32 = 65_534;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let owner =
            |name: &str| (fs::metadata(at(name)).unwrap().uid(), fs::metadata(at(name)).unwrap().gid());
        std::os::unix::fs::chown(folder.path(), Some(HELM), Some(HELM)).unwrap();
        fs::write(at("old"), "old").unwrap();
        std::os::unix::fs::chown(at("old"), Some(CORE), Some(CORE)).unwrap();
        fs::write(at("roots"), "shadow").unwrap();
        std::os::unix::fs::symlink(at("roots"), at("link.lock")).unwrap();
        write_private(&at("old"), b"new").unwrap();
        write_private(&at("first"), b"new").unwrap();
        for name in ["new.lock", "link.lock"] {
            drop(FileLock::take(&at(name)).unwrap());
        }
        assert_eq!(owner("old"), (CORE, CORE));
        assert_eq!((owner("first"), owner("new.lock")), ((HELM, HELM), (HELM, HELM)));
        assert_eq!(owner("roots"), (0, 0), "a link gives nothing away");
    }

    #[test]
    fn a_link_in_the_way_of_the_new_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("secret"), folder.path().join("other"));
        fs::write(&other, "kept").unwrap();
        for writer in 0..4096 {
            let name = format!("secret.new.{}.{writer}", std::process::id());
            std::os::unix::fs::symlink(&other, folder.path().join(name)).unwrap();
        }
        write_private(&file, b"mine").unwrap();
        assert_eq!(
            (fs::read(&file).unwrap().as_slice(), fs::read(&other).unwrap().as_slice()),
            (&b"mine"[..], &b"kept"[..])
        );
    }

    #[test]
    fn writers_at_the_same_time_each_write_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        std::thread::scope(|scope| {
            for writer in 0..8u8 {
                let file = &file;
                scope.spawn(move || (0..20).for_each(|_| write_private(file, &vec![writer; 4096]).unwrap()));
            }
        });
        let content = fs::read(&file).unwrap();
        assert!(content.len() == 4096 && content.iter().all(|byte| *byte == content[0]));
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
    #[ignore = "needs root"]
    fn a_link_of_another_account_is_no_folder_lock_or_log() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("etc")).unwrap();
        fs::set_permissions(at("etc"), fs::Permissions::from_mode(0o755)).unwrap();
        for (link, target) in [("codex", "etc"), ("lock", "etc/nologin")] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
            std::os::unix::fs::lchown(at(link), Some(65_534), Some(65_534)).unwrap();
        }
        assert!(private_dir(&at("codex")).is_err());
        assert!(private_dir(&at("codex/instance")).is_err());
        assert!(write_private(&at("codex/file"), b"x").is_err());
        assert!(FileLock::take(&at("lock")).is_err());
        assert!(open_log(&at("lock")).is_err());
        assert!(open_log(&at("codex/log")).is_err());
        assert_eq!((mode(&at("etc")), fs::read_dir(at("etc")).unwrap().count()), (0o755, 0));
        // What is written whole takes the place of the link.
        write_private(&at("lock"), b"x").unwrap();
        assert!(fs::symlink_metadata(at("lock")).unwrap().is_file());
    }

    #[test]
    fn a_damaged_file_is_an_error_and_a_missing_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.json");
        assert_eq!(read_json::<Vec<u32>>(&file).unwrap(), None);
        fs::write(&file, "[1").unwrap();
        assert!(read_json::<Vec<u32>>(&file).unwrap_err().to_string().contains("is damaged"));
        fs::write(&file, "[1,\n\"hunter2\"]").unwrap();
        let told = format!("{:#}", read_json::<Vec<u32>>(&file).unwrap_err());
        assert!(told.contains("line 2") && !told.contains("hunter2"), "{told}");
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
