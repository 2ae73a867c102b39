//! The folder of the programs and its neighbours: `<folder>.new`, `<folder>.previous` for going back by hand, and the journal.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::source::Source;
use crate::instance::{
    build::{self, Build, VERSION, previous},
    install::compat,
};

pub(super) struct Folders {
    /// The programs in place.
    pub(super) programs: PathBuf,
    /// The staged ones; after the exchange, the old ones.
    pub(super) new: PathBuf,
    previous: PathBuf,
    /// How far an update is. It speaks of these folders, not of the instance, whose backups must not bring it back.
    pub(super) journal: PathBuf,
}

/// The journal of the updates of a folder of programs.
#[must_use]
pub fn journal(programs: &Path) -> PathBuf {
    let name = programs.file_name().unwrap_or_default().to_string_lossy();
    programs.with_file_name(format!("{name}.update.json"))
}

impl Folders {
    pub(super) fn around(programs: &Path) -> Result<Self> {
        let name =
            programs.file_name().context("programs in the root folder cannot be replaced")?.to_string_lossy();
        // A shell that was in the folder is in another one after an update.
        if let Some(place) = name.strip_suffix(".previous").or_else(|| name.strip_suffix(".new")) {
            bail!(
                "these are not the programs in place; use {}",
                programs.with_file_name(place).join("helm").display()
            );
        }
        let folders = Self {
            new: programs.with_file_name(format!("{name}.new")),
            previous: previous(programs),
            journal: journal(programs),
            programs: programs.to_owned(),
        };
        for entry in fs::read_dir(programs).with_context(|| format!("cannot read {}", programs.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && entry.file_name() != compat::FOLDER {
                bail!(
                    "{} is where the programs are built: pull the new version and run scripts/start.sh instead",
                    programs.display()
                );
            }
        }
        Ok(folders)
    }

    /// Puts the new programs beside the old ones, together with what else lies there.
    pub(super) fn stage(&self, source: &Source, installed: &Build) -> Result<Build> {
        self.discard()?;
        fs::create_dir(&self.new).with_context(|| format!("cannot create {}", self.new.display()))?;
        let staged = source.put_into(&self.new).and_then(|()| {
            let new = Build::of(&self.new)?;
            let missing: Vec<&str> = installed
                .programs
                .iter()
                .filter(|name| !new.programs.contains(name))
                .map(String::as_str)
                .collect();
            if !missing.is_empty() {
                bail!("the new build lacks {}", missing.join(", "));
            }
            self.carry_over()?;
            Ok(new)
        });
        if staged.is_err() {
            self.discard()?;
        }
        staged
    }

    /// The note of the installation and whatever an operator put there.
    fn carry_over(&self) -> Result<()> {
        for entry in fs::read_dir(&self.programs)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let to = self.new.join(&name);
            if name == compat::FOLDER {
                copy_folder(&entry.path(), &to)?;
            } else if !build::is_program(&name) && name != VERSION && !to.exists() {
                fs::copy(entry.path(), &to)
                    .with_context(|| format!("cannot copy {}", entry.path().display()))?;
            }
        }
        let mode = fs::metadata(&self.programs)?.permissions();
        fs::set_permissions(&self.new, mode)?;
        fs::File::open(&self.new)?.sync_all()?;
        Ok(())
    }

    /// Old and new change places in one step: at every moment there is a whole set of programs.
    pub(super) fn exchange(&self) -> Result<()> {
        renameat2(AT_FDCWD, &self.programs, AT_FDCWD, &self.new, RenameFlags::RENAME_EXCHANGE).with_context(
            || format!("cannot exchange {} and {}", self.programs.display(), self.new.display()),
        )?;
        if let Some(parent) = self.programs.parent() {
            fs::File::open(parent)?.sync_all()?;
        }
        Ok(())
    }

    pub(super) fn discard(&self) -> Result<()> {
        remove(&self.new)
    }

    /// After an update `new` holds the old programs. Done again, there is nothing to keep any more.
    pub(super) fn keep_previous(&self) -> Result<()> {
        if !self.new.exists() {
            return Ok(());
        }
        remove(&self.previous)?;
        fs::rename(&self.new, &self.previous)
            .with_context(|| format!("cannot keep the old programs as {}", self.previous.display()))
    }
}

/// A folder of plain files.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let copy = || -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        fs::set_permissions(to, fs::metadata(from)?.permissions())
    };
    copy().with_context(|| format!("cannot copy {}", from.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
