//! Where new programs come from: a folder, or an archive of one (`.tar`, `.tar.gz`, `.tgz`, `.zip`).

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;

use super::trust::Trusted;
use crate::instance::build::{Build, VERSION, copy_program, is_program};

/// No program of the suite is this large; an archive that claims so is none of it.
const LARGEST: u64 = 1 << 30;

/// A build that is offered.
#[derive(Debug, Clone)]
pub struct Source(PathBuf);

impl Source {
    /// What lies at `path`.
    ///
    /// # Errors
    /// When nothing lies there.
    pub fn at(path: &Path) -> Result<Self> {
        let path =
            fs::canonicalize(path).with_context(|| format!("there is no build at {}", path.display()))?;
        Ok(Self(path))
    }

    /// Makes sure that nobody but root, and whoever became root, can change it.
    ///
    /// # Errors
    /// When somebody can, with the place.
    pub fn trusted(self, trusted: &Trusted) -> Result<Self> {
        trusted.alone_change(&self.0)?;
        Ok(self)
    }

    /// Puts its programs and its version into a folder. Of an archive only the names of files count, not their paths.
    ///
    /// # Errors
    /// When it is damaged, or no build.
    pub fn put_into(&self, folder: &Path) -> Result<()> {
        let name = self.0.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let put = match name.as_str() {
            _ if self.0.is_dir() => self.put_folder(folder),
            name if name.ends_with(".tar.gz") || name.ends_with(".tgz") => {
                put_tar(GzDecoder::new(File::open(&self.0)?), folder)
            }
            name if name.ends_with(".tar") => put_tar(File::open(&self.0)?, folder),
            name if name.ends_with(".zip") => put_zip(File::open(&self.0)?, folder),
            _ => bail!("{} is neither a folder nor a .tar, .tar.gz, .tgz or .zip", self.0.display()),
        };
        put.with_context(|| format!("cannot take the programs out of {}", self.0.display()))
    }

    fn put_folder(&self, folder: &Path) -> Result<()> {
        let build = Build::of(&self.0)?;
        for name in &build.programs {
            copy_program(&self.0.join(name), &folder.join(name))?;
        }
        if let Some(version) = build.version() {
            fs::write(folder.join(VERSION), format!("{version}\n"))?;
        }
        Ok(())
    }
}

fn put_tar(archive: impl Read, folder: &Path) -> Result<()> {
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.file_name().map(|name| name.to_string_lossy().into_owned());
        if let (Some(name), true) = (name, entry.header().entry_type().is_file()) {
            put_file(&mut entry, &name, folder)?;
        }
    }
    Ok(())
}

fn put_zip(archive: File, folder: &Path) -> Result<()> {
    let mut archive = zip::ZipArchive::new(archive)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = entry.name()?.rsplit('/').next().unwrap_or_default().to_owned();
        if entry.is_file() {
            put_file(&mut entry, &name, folder)?;
        }
    }
    Ok(())
}

fn put_file(content: &mut impl Read, name: &str, folder: &Path) -> Result<()> {
    let mode = match name {
        VERSION => 0o644,
        name if is_program(name) => 0o755,
        _ => return Ok(()),
    };
    let mut file = File::create_new(folder.join(name)).with_context(|| format!("{name} is there twice"))?;
    if io::copy(&mut content.take(LARGEST), &mut file)? == LARGEST {
        bail!("{name} is too large");
    }
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(())
}
