//! Ways to files that lead through folders of others. Helm's own account and those of the services own folders of the
//! instance, and root works in them: a link that one of them puts in the way would lead root to any file of the machine. So
//! a path is walked by handles, step by step, and a link is followed only when root or whoever asks has made it. The job of
//! the nightly backup runs under Helm's account and may read everything: there, Helm's own links lead nowhere either.

mod links;

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Component, Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open, openat, readlinkat},
    sys::stat::{Mode, mkdirat},
};

/// As the kernel has it.
const MOST_LINKS: usize = 40;
/// Longest content that is read at once: a file of another account must not fill the memory of whoever reads it.
const LONGEST: u64 = 64 << 20;
/// Whoever adds a file at the same time has added it when it is looked for again.
const ATTEMPTS: usize = 3;

/// A file or folder that was found, whatever comes under its name later.
#[derive(Debug)]
pub struct Found(File);

impl Found {
    /// Finds what a path leads to.
    ///
    /// # Errors
    /// When there is no such thing, or another account's link on the way.
    pub fn at(path: &Path) -> io::Result<Self> {
        walk(path, false)
    }

    /// Finds a folder; it and its parents are made (0700) where they are missing.
    ///
    /// # Errors
    /// When it cannot be made, is none, or another account's link is on the way.
    pub fn folder(path: &Path) -> io::Result<Self> {
        let folder = walk(path, true)?;
        if folder.metadata()?.is_dir() { Ok(folder) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// Finds what a path leads to by whoever's links, as it is right for what everybody may see.
    ///
    /// # Errors
    /// When there is no such thing.
    pub fn by_any_link(path: &Path) -> io::Result<Self> {
        Ok(Self(File::from(open(path, handle(), Mode::empty())?)))
    }

    /// What lies under a name, a link itself. The folders on the way are the caller's or a handle.
    ///
    /// # Errors
    /// When there is no such thing.
    pub fn under_name(path: &Path) -> io::Result<Self> {
        Ok(Self(File::from(open(path, handle() | OFlag::O_NOFOLLOW, Mode::empty())?)))
    }

    /// The name of the handle: it leads here and nowhere else, as long as this lives.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// What it is.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// Opens a plain file. Nobody is waited for, as on a pipe.
    ///
    /// # Errors
    /// When it cannot be opened, or is no plain file.
    pub fn open(&self, options: &mut OpenOptions) -> io::Result<File> {
        if !self.metadata()?.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        options.open(self.path())
    }

    /// The content of a plain file.
    ///
    /// # Errors
    /// When it cannot be read, is no plain file, or a very long one.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.open(OpenOptions::new().read(true))?.take(LONGEST + 1).read_to_end(&mut content)?;
        if content.len() as u64 > LONGEST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(content) }
    }
}

impl From<Found> for OwnedFd {
    fn from(found: Found) -> Self {
        found.0.into()
    }
}

/// A name in a folder that was found.
#[derive(Debug)]
pub struct Entry {
    _folder: Found,
    path: PathBuf,
}

impl Entry {
    /// The last name of a path, in the folder that the rest leads to.
    ///
    /// # Errors
    /// When the folder is not there, or another account's link is on the way to it.
    pub fn at(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = Found::at(parent.unwrap_or(Path::new(".")))?;
        Ok(Self { path: folder.path().join(name), _folder: folder })
    }
}

impl AsRef<Path> for Entry {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// The content of a plain file.
///
/// # Errors
/// When it cannot be read, is no plain file or a very long one, or another account's link is on the way.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    Found::at(path)?.read()
}

/// As [`read`], of text.
///
/// # Errors
/// As [`read`], and when it is none.
pub fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(read(path.as_ref())?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Opens a plain file for reading and appending; a new one is closed to others.
///
/// # Errors
/// When it cannot be opened or made, is no plain file, or another account's link is on the way.
pub fn open_appending(path: &Path) -> io::Result<File> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match Found::at(path) {
            Ok(found) => return found.open(OpenOptions::new().append(true).read(true)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.append(true).read(true).create_new(true).mode(0o600);
        match options.open(Entry::at(path)?) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS => {}
            opened => return opened,
        }
    }
}

/// Where the walk stands.
struct Walk {
    here: File,
    steps: VecDeque<OsString>,
}

impl Walk {
    fn along(path: &Path) -> io::Result<Self> {
        let from = if path.is_absolute() { "/" } else { "." };
        let here = File::from(open(from, handle() | OFlag::O_DIRECTORY, Mode::empty())?);
        Ok(Self { here, steps: steps(path) })
    }

    /// What lies under a name here, a link itself.
    fn look(&self, name: &OsStr) -> io::Result<File> {
        Ok(File::from(openat(&self.here, name, handle() | OFlag::O_NOFOLLOW, Mode::empty())?))
    }

    fn look_or_make(&self, name: &OsStr) -> io::Result<File> {
        match self.look(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            looked => return looked,
        }
        match mkdirat(&self.here, name, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => self.look(name),
            Err(error) => Err(error.into()),
        }
    }
}

fn walk(path: &Path, makes: bool) -> io::Result<Found> {
    let mut walk = Walk::along(path)?;
    let mut links = 0;
    while let Some(name) = walk.steps.pop_front() {
        let next = if makes { walk.look_or_make(&name)? } else { walk.look(&name)? };
        let metadata = next.metadata()?;
        if !metadata.is_symlink() {
            walk.here = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Errno::ELOOP.into());
        }
        if !links::may_lead(metadata.uid()) {
            let (link, owner) = (name.display(), metadata.uid());
            return Err(io::Error::other(format!("{link} is a link that the account {owner} has made")));
        }
        let target = PathBuf::from(readlinkat(&next, "")?);
        if target.is_absolute() {
            walk.here = Walk::along(&target)?.here;
        }
        steps(&target).into_iter().rev().for_each(|step| walk.steps.push_front(step));
    }
    Ok(Found(walk.here))
}

/// Only a handle: what it leads to is not opened, which a device or a pipe might notice.
fn handle() -> OFlag {
    OFlag::O_PATH | OFlag::O_CLOEXEC
}

fn steps(path: &Path) -> VecDeque<OsString> {
    let step = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{lchown, symlink},
    };

    use super::*;

    /// A folder with `real/file`, and a link to `real` that another account has made, as only root can make it seem.
    fn with_foreign_link() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("real")).unwrap();
        fs::write(folder.path().join("real/file"), "kept").unwrap();
        let link = folder.path().join("link");
        symlink("real", &link).unwrap();
        lchown(&link, Some(65_534), Some(65_534)).unwrap();
        (folder, link)
    }

    #[test]
    #[ignore = "needs root"]
    fn links_of_others_are_not_followed() {
        let (folder, link) = with_foreign_link();
        let refused = |error: io::Error| assert!(error.to_string().contains("65534"), "{error}");
        refused(Found::at(&link).unwrap_err());
        refused(Found::folder(&link.join("new")).unwrap_err());
        refused(Entry::at(&link.join("file")).unwrap_err());
        refused(read(&link.join("file")).unwrap_err());
        refused(open_appending(&link.join("new")).unwrap_err());
        assert_eq!(fs::read_dir(folder.path().join("real")).unwrap().count(), 1, "nothing was made");
        // A step beside it, and its own name, which may be removed.
        assert_eq!(read(&folder.path().join("real/../real/./file")).unwrap(), b"kept");
        fs::remove_file(Entry::at(&link).unwrap()).unwrap();
        assert!(fs::symlink_metadata(&link).is_err());
    }

    #[test]
    fn own_links_are_followed_to_folders_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        symlink(at("real"), at("absolute")).unwrap();
        symlink("absolute", at("relative")).unwrap();
        let made = Found::folder(&at("relative/a/b")).unwrap();
        assert_eq!(fs::canonicalize(made.path()).unwrap(), fs::canonicalize(at("real/a/b")).unwrap());
        open_appending(&at("relative/log")).unwrap();
        symlink("log", at("real/other")).unwrap();
        let mut log = open_appending(&at("relative/other")).unwrap();
        io::Write::write_all(&mut log, b"x").unwrap();
        assert_eq!(read(&at("real/log")).unwrap(), b"x");
        symlink("round", at("round")).unwrap();
        assert!(Found::at(&at("round")).is_err());
    }

    #[test]
    fn a_handle_leads_to_what_was_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("one")).unwrap();
        let entry = Entry::at(&at("one/file")).unwrap();
        fs::rename(at("one"), at("two")).unwrap();
        symlink("/etc", at("one")).unwrap();
        fs::write(&entry, "x").unwrap();
        assert_eq!(fs::read(at("two/file")).unwrap(), b"x");
    }

    #[test]
    fn only_plain_files_are_opened_and_nobody_waits() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        assert!(read(&pipe).is_err());
        assert!(open_appending(&pipe).is_err());
        assert!(open_appending(folder.path()).is_err());
        assert!(Found::folder(&pipe).is_err());
    }
}
