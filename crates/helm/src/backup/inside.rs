//! Files below the instance directory, opened by handle: folders of it belong to services, and none of them may lead a backup,
//! which reads everything, to a file of somebody else.

use std::{
    ffi::OsStr,
    fs::{self, File, FileType, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Component, Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, openat},
    sys::stat::Mode,
};

/// The instance directory.
pub struct Inside(OwnedFd);

impl Inside {
    /// Opens it. To it, links may lead: its path is the operator's.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(home: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        Ok(Self(OpenOptions::new().read(true).custom_flags(flags.bits()).open(home)?.into()))
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

    /// What lies in a folder, in order.
    ///
    /// # Errors
    /// When it cannot be read, or its path leads through a link.
    pub fn folder(&self, path: &Path) -> io::Result<Vec<(PathBuf, FileType)>> {
        let below = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let folder = self.at(below, OFlag::O_DIRECTORY)?;
        // By the handle: by its path it might be another one now.
        let mut entries = fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))?
            .map(|entry| entry.and_then(|entry| Ok((path.join(entry.file_name()), entry.file_type()?))))
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
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
        assert!(inside.folder(Path::new("codex/out")).is_err());
        let names = |path: &str| -> Vec<String> {
            let entries = inside.folder(Path::new(path)).unwrap();
            entries.iter().map(|(path, _)| path.display().to_string()).collect()
        };
        assert_eq!(names("")[..], ["codex"]);
        assert_eq!(names("codex/up")[..], ["codex/up/a"]);
    }
}
