//! One thing that is put in place. Each may be done again at any time.

use std::{
    fmt, fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nix::unistd::Uid;

use super::below;
use crate::instance::{
    account::{Account, give},
    build, files,
};

const ROOT: Account = Account { uid: 0, gid: 0 };

/// Something at a path of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A folder with its mode.
    Folder {
        /// Where.
        path: PathBuf,
        /// Permissions.
        mode: u32,
    },
    /// A file with its text.
    File {
        /// Where.
        path: PathBuf,
        /// Content.
        text: String,
        /// Permissions: readable by all, or by its owner alone.
        mode: u32,
    },
    /// A program out of a build.
    Program {
        /// Out of the build.
        from: PathBuf,
        /// Where it goes.
        path: PathBuf,
    },
    /// A symbolic link.
    Link {
        /// Where.
        path: PathBuf,
        /// What it names.
        to: PathBuf,
    },
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something is other than before.
    Done,
    /// It was so already.
    Same,
}

impl Step {
    /// A folder.
    #[must_use]
    pub fn folder(path: PathBuf, mode: u32) -> Self {
        Self::Folder { path, mode }
    }

    /// A file.
    #[must_use]
    pub fn file(path: PathBuf, text: String, mode: u32) -> Self {
        Self::File { path, text, mode }
    }

    /// What it makes.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder { path, .. }
            | Self::File { path, .. }
            | Self::Program { path, .. }
            | Self::Link { path, .. } => path,
        }
    }

    /// Whether it is done already.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub fn is_done(&self, root: &Path) -> Result<bool> {
        let at = below(root, self.path());
        let mode = || fs::metadata(&at).map(|metadata| metadata.permissions().mode() & 0o7777);
        Ok(match self {
            Self::Folder { mode: wanted, .. } => mode().is_ok_and(|mode| mode == *wanted) && at.is_dir(),
            Self::File { text, mode: wanted, .. } => {
                fs::read(&at).is_ok_and(|found| found == text.as_bytes())
                    && mode().is_ok_and(|m| m == *wanted)
                    && (*wanted == 0o600 || is_ours(&at))
            }
            Self::Program { from, .. } => build::same(from, &at)?,
            Self::Link { to, .. } => fs::read_link(&at).is_ok_and(|found| found == *to),
        })
    }

    /// Does it, unless it is done.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn carry_out(&self, root: &Path) -> Result<Change> {
        if self.is_done(root)? {
            return Ok(Change::Same);
        }
        let at = below(root, self.path());
        if let (Some(parent), false) = (at.parent(), matches!(self, Self::Folder { .. })) {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        match self {
            Self::Folder { mode, .. } => {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o755)
                    .create(&at)
                    .and_then(|()| fs::set_permissions(&at, fs::Permissions::from_mode(*mode)))
                    .with_context(|| format!("cannot create the folder {}", at.display()))?;
            }
            Self::File { text, mode: 0o600, .. } => files::write_private(&at, text.as_bytes())?,
            Self::File { text, mode, .. } => {
                files::write_public(&at, text.as_bytes())?;
                fs::set_permissions(&at, fs::Permissions::from_mode(*mode))?;
                // Debian's folder of polkit's rules belongs to polkit's account, and the file would, too.
                if Uid::effective().is_root() {
                    give(&at, ROOT)?;
                }
            }
            Self::Program { from, .. } => build::copy_program(from, &at)?,
            Self::Link { to, .. } => {
                let _ = fs::remove_file(&at);
                symlink(to, &at).with_context(|| format!("cannot create {}", at.display()))?;
            }
        }
        Ok(Change::Done)
    }
}

/// Whether a file for the whole machine is root's, who puts it there.
fn is_ours(path: &Path) -> bool {
    !Uid::effective().is_root() || fs::metadata(path).is_ok_and(|metadata| metadata.uid() == ROOT.uid)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        match self {
            Self::Folder { mode, .. } => write!(f, "folder   {path} ({mode:o})"),
            Self::File { mode, .. } => write!(f, "file     {path} ({mode:o})"),
            Self::Program { .. } => write!(f, "program  {path}"),
            Self::Link { to, .. } => write!(f, "link     {path} -> {}", to.display()),
        }
    }
}
