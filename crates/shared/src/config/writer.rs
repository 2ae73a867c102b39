//! Writing the conf file of a service: one writer at a time, a copy of what was there, and never a half file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The right to write the file; it ends when this is dropped.
#[derive(Debug)]
pub struct ConfWriter {
    path: PathBuf,
    _lock: File,
}

impl ConfWriter {
    /// Waits until nobody else writes. The folder is made where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn begin(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let lock = private(&beside(path, "lock"), false)?;
        lock.lock()?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The text of the file; empty when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn text(&self) -> io::Result<String> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            text => text,
        }
    }

    /// Replaces the file in one step and keeps what was there beside it, with `.bak` at the end of its name.
    ///
    /// # Errors
    /// When the folder cannot be written; then the file is as it was.
    pub fn replace(&self, text: &str) -> io::Result<()> {
        match fs::read(&self.path) {
            Ok(old) => put(&self.path, "bak", &old)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let fresh = beside(&self.path, "new");
        fill(&fresh, text.as_bytes())?;
        fs::rename(&fresh, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn put(path: &Path, ending: &str, bytes: &[u8]) -> io::Result<()> {
    let fresh = beside(path, &format!("{ending}.new"));
    fill(&fresh, bytes)?;
    fs::rename(fresh, beside(path, ending))
}

/// A file only its owner can read, new even if somebody left one of that name.
fn fill(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(path, true)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn private(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if new {
        options.create_new(true)
    } else {
        options.create(true).truncate(false)
    };
    options.open(path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}
