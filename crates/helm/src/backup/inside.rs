//! Files below the instance directory, opened by handle: folders of it belong to services, and none of them may lead a backup,
//! which reads everything, to a file of somebody else.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, FileType, OpenOptions},
    io::{self, Read},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Component, Path},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, openat},
    sys::stat::Mode,
};

use crate::instance::beneath::Found;

/// A folder whose files are opened: the instance directory, or a foreign service's own.
#[derive(Debug)]
pub struct Inside(OwnedFd);

/// What lies in a folder.
#[derive(Debug)]
pub struct Lying {
    /// Its name there.
    pub name: OsString,
    /// What it is, a link itself.
    pub file_type: FileType,
    /// Its length.
    pub bytes: u64,
}

impl Inside {
    /// Opens it. To it, links may lead: its path is the operator's.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(home: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        Ok(Self(OpenOptions::new().read(true).custom_flags(flags.bits()).open(home)?.into()))
    }

    /// The folder that was found and looked at, whatever lies under its name now.
    ///
    /// # Errors
    /// When it is none.
    pub fn of(found: Found) -> io::Result<Self> {
        if found.metadata()?.is_dir() {
            Ok(Self(found.into()))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Step by step, and no step is a link. `openat2` would do it in one, but the job's unit forbids it: `RestrictSUIDSGID`
    /// cannot see which file it would make.
    fn at(&self, path: &Path, flags: OFlag) -> Result<File, Errno> {
        let mut steps = Vec::new();
        for part in path.components() {
            match part {
                Component::Normal(name) => steps.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(Errno::EXDEV),
            }
        }
        let last = steps.pop().unwrap_or(OsStr::new("."));
        let mut folder: Option<OwnedFd> = None;
        let open = |folder: &Option<OwnedFd>, name: &OsStr, flags: OFlag| {
            let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            openat(folder.as_ref().unwrap_or(&self.0), name, flags, Mode::empty())
        };
        for step in steps {
            folder = Some(open(&folder, step, OFlag::O_PATH | OFlag::O_DIRECTORY)?);
        }
        open(&folder, last, flags | OFlag::O_RDONLY).map(File::from)
    }

    /// A plain file with what is known of that very file; `None` when there is none, or something else in its place.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn file(&self, path: &Path) -> io::Result<Option<(File, fs::Metadata)>> {
        // A pipe without a writer must not be waited for.
        let file = match self.at(path, OFlag::O_NONBLOCK) {
            Ok(file) => file,
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENXIO) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then_some((file, metadata)))
    }

    /// The content of a short plain file; `None` when there is none, or something else in its place.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than `longest`.
    pub fn read(&self, path: &Path, longest: u64) -> io::Result<Option<(Vec<u8>, fs::Metadata)>> {
        let Some((file, metadata)) = self.file(path)? else { return Ok(None) };
        let mut content = Vec::new();
        file.take(longest + 1).read_to_end(&mut content)?;
        if content.len() as u64 > longest {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Some((content, metadata)))
    }

    /// What lies in a folder. Names and `each` for every one of them are at most so many bytes, so that nobody's folder fills
    /// the memory.
    ///
    /// # Errors
    /// When it cannot be read, its path leads through a link, or it holds more.
    pub fn folder(&self, path: &Path, (longest, each): (u64, u64)) -> io::Result<Vec<Lying>> {
        let below = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let folder = self.at(below, OFlag::O_DIRECTORY)?;
        let (mut entries, mut bytes) = (Vec::new(), 0);
        // By the handle: by its path it might be another one now.
        for entry in fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))? {
            let entry = entry?;
            let name = entry.file_name();
            bytes += name.len() as u64 + each;
            if bytes > longest {
                return Err(io::Error::other("it holds too many files"));
            }
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                looked => looked?,
            };
            entries.push(Lying { name, file_type: metadata.file_type(), bytes: metadata.len() });
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::*;

    #[test]
    fn only_plain_files_inside_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir_all(home.join("codex/up")).unwrap();
        fs::write(home.join("codex/up/a"), "mine").unwrap();
        fs::write(folder.path().join("secret"), "theirs").unwrap();
        symlink(folder.path().join("secret"), home.join("codex/link")).unwrap();
        symlink("up/a", home.join("codex/near")).unwrap();
        symlink(folder.path(), home.join("codex/out")).unwrap();
        mkfifo(&home.join("codex/pipe"), Mode::S_IRUSR).unwrap();
        let inside = Inside::open(&home).unwrap();
        let (_, metadata) = inside.file(Path::new("codex/up/a")).unwrap().unwrap();
        assert_eq!(metadata.len(), 4);
        for path in ["codex/link", "codex/near", "codex/out/secret", "codex/pipe", "codex/up", "codex/none"] {
            assert!(inside.file(Path::new(path)).unwrap().is_none(), "{path}");
        }
        assert!(inside.file(Path::new("../secret")).is_err());
        assert!(inside.folder(Path::new("codex/out"), (1000, 1)).is_err());
        let names = |path: &str| -> Vec<OsString> {
            let entries = inside.folder(Path::new(path), (1000, 1)).unwrap();
            entries.into_iter().map(|lying| lying.name).collect()
        };
        assert_eq!(names("")[..], ["codex"]);
        assert_eq!(names("codex/up")[..], ["a"]);
        assert!(inside.folder(Path::new("codex"), (10, 1)).is_err(), "more names than may be");
        assert!(inside.read(Path::new("codex/up/a"), 3).is_err(), "longer than may be");
        assert_eq!(inside.read(Path::new("codex/up/a"), 4).unwrap().unwrap().0, b"mine");
    }
}
