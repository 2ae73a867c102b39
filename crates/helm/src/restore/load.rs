//! Dumps out of an archive into databases that wait for them, files into a folder.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Stdio},
    thread::JoinHandle,
};

use anyhow::{Context, Result, bail};

use crate::{
    backup::{archive::Sink, programs, unpack::unpack},
    domain::backup::manifest::{Manifest, Part},
};

/// An empty database that takes the dump of a part. Its address holds a password.
#[derive(Clone)]
pub struct Target {
    part: String,
    url: String,
    database: String,
    program: PathBuf,
    owner_is_another: bool,
}

impl Target {
    /// The database `database` at `url` for the dump of `part`, which a server of `major` has made.
    ///
    /// # Errors
    /// When no `pg_restore` understands such a dump.
    pub fn new(part: &str, url: &str, database: &str, major: i32) -> Result<Self> {
        Ok(Self {
            part: part.to_owned(),
            url: url.to_owned(),
            database: database.to_owned(),
            program: programs::folder_of("pg_restore", major)?.join("pg_restore"),
            owner_is_another: false,
        })
    }

    /// The part of the archive.
    #[must_use]
    pub fn part(&self) -> &str {
        &self.part
    }

    /// The same where everything belongs to the role that loads it, because the former owner has another name here.
    #[must_use]
    pub fn owned_by_another(self, owner_is_another: bool) -> Self {
        Self { owner_is_another, ..self }
    }
}

/// A database's name for `--dbname`, where a name with `=` would be read as an address.
fn connection_text(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Takes the parts of an archive that were asked for.
pub struct Loader {
    targets: Vec<Target>,
    files: Vec<Part>,
    folder: PathBuf,
    current: Option<Current>,
    unpacked: Vec<PathBuf>,
}

/// Where the bytes of a part go.
enum Current {
    Database { database: String, child: Child, stdin: Option<ChildStdin>, said: JoinHandle<Vec<u8>> },
    Files { file: File, path: PathBuf, part: Box<Part> },
    Nowhere,
}

impl Loader {
    /// A loader of `targets` and of all parts of `manifest` that are files, which go below `folder`.
    #[must_use]
    pub fn new(targets: Vec<Target>, manifest: &Manifest, folder: &Path) -> Self {
        let files = manifest.saved().filter(|part| part.kind.is_files()).cloned().collect();
        Self { targets, files, folder: folder.to_owned(), current: None, unpacked: Vec::new() }
    }

    /// A loader of `targets` alone.
    #[must_use]
    pub fn of(targets: Vec<Target>) -> Self {
        Self { targets, files: Vec::new(), folder: PathBuf::new(), current: None, unpacked: Vec::new() }
    }

    /// The same with those parts of files only that are wanted.
    #[must_use]
    pub fn with_files(mut self, wanted: impl Fn(&Part) -> bool) -> Self {
        self.files.retain(wanted);
        self
    }

    /// The files that were written, below the instance directory: these and no others, whatever the manifest names.
    ///
    /// # Errors
    /// When a part that is wanted did not come.
    pub fn unpacked(mut self) -> Result<Vec<PathBuf>> {
        let expected: usize = self.files.iter().map(|part| part.files.len()).sum();
        if self.unpacked.len() != expected {
            bail!("{} of {expected} files are in the archive", self.unpacked.len());
        }
        Ok(std::mem::take(&mut self.unpacked))
    }

    fn begin(&self, part: &str) -> Result<Current> {
        if let Some(target) = self.targets.iter().find(|target| target.part == part) {
            let mut command = programs::connecting(&target.program, &target.url)?;
            command
                .args(["--exit-on-error", "--no-password", "--single-transaction"])
                .arg(format!("--dbname={}", connection_text(&target.database)))
                .stdin(Stdio::piped());
            if target.owner_is_another {
                command.arg("--no-owner");
            }
            let mut child = command.spawn().context("cannot run pg_restore")?;
            let stdin = child.stdin.take();
            let said = programs::listen(child.stderr.take().context("pg_restore has no output")?);
            return Ok(Current::Database { database: target.database.clone(), child, stdin, said });
        }
        if let Some(found) = self.files.iter().find(|found| found.name == part) {
            let path = self.folder.join(format!("{}.tar.gz", part.replace('/', "-")));
            let file = OpenOptions::new()
                .write(true)
                .read(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            return Ok(Current::Files { file, path, part: Box::new(found.clone()) });
        }
        Ok(Current::Nowhere)
    }
}

impl Sink for Loader {
    fn data(&mut self, part: &str, bytes: &[u8]) -> Result<()> {
        if self.current.is_none() {
            self.current = Some(self.begin(part)?);
        }
        let is_closed = match &mut self.current {
            Some(Current::Database { stdin: Some(stdin), .. }) => stdin.write_all(bytes).is_err(),
            Some(Current::Files { file, path, .. }) => {
                file.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))?;
                false
            }
            _ => false,
        };
        if is_closed {
            // It ended before its dump did: it says why, or needs no more of it.
            self.end(part)?;
            self.current = Some(Current::Nowhere);
        }
        Ok(())
    }

    fn end(&mut self, _: &str) -> Result<()> {
        match self.current.take() {
            Some(Current::Database { database, mut child, stdin, said }) => {
                drop(stdin);
                let status = child.wait().context("cannot wait for pg_restore")?;
                let said = said.join().unwrap_or_default();
                if !status.success() {
                    bail!("{database} cannot be loaded: {}", programs::last_words(&said));
                }
            }
            Some(Current::Files { file, path, part }) => {
                drop(file);
                let content = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let unpacked = unpack(std::io::BufReader::new(content), &part, &self.folder.join("files"))?;
                self.unpacked.extend(unpacked);
                std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
            Some(Current::Nowhere) | None => {}
        }
        Ok(())
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        if let Some(Current::Database { mut child, .. }) = self.current.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_an_address() {
        assert_eq!(connection_text("codex_db"), "dbname='codex_db'");
        assert_eq!(connection_text("a' host=evil \\"), "dbname='a\\' host=evil \\\\'");
    }
}
