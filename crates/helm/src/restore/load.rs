//! Dumps out of an archive into databases that wait for them, files into a folder.

use std::{
    io::{PipeWriter, Write, pipe},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Stdio},
    thread::JoinHandle,
};

use anyhow::{Context, Result, bail};

use crate::{
    backup::{
        archive::Sink,
        programs,
        unpack::{look, unpack},
    },
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
    /// Where files are written; else they are compared and go nowhere.
    folder: Option<PathBuf>,
    current: Option<Current>,
    unpacked: Vec<PathBuf>,
}

/// Where the bytes of a part go.
enum Current {
    Database { database: String, child: Child, stdin: Option<ChildStdin>, said: JoinHandle<Vec<u8>> },
    Files { pipe: Option<PipeWriter>, unpacking: JoinHandle<Result<Vec<PathBuf>>> },
    Nowhere,
}

impl Loader {
    /// A loader of `targets` that looks at all files of `manifest` and writes none.
    #[must_use]
    pub fn looking(targets: Vec<Target>, manifest: &Manifest) -> Self {
        let mut loader = Self::of(targets);
        loader.files.extend(manifest.saved().filter(|part| part.kind.is_files()).cloned());
        loader
    }

    /// A loader of those parts of `manifest` that are files and wanted, which go below `folder`.
    #[must_use]
    pub fn unpacking(manifest: &Manifest, folder: &Path, wanted: impl Fn(&Part) -> bool) -> Self {
        let mut loader = Self::of(Vec::new());
        loader.files.extend(manifest.saved().filter(|part| part.kind.is_files() && wanted(part)).cloned());
        loader.folder = Some(folder.to_owned());
        loader
    }

    /// A loader of `targets` alone.
    #[must_use]
    pub fn of(targets: Vec<Target>) -> Self {
        Self { targets, files: Vec::new(), folder: None, current: None, unpacked: Vec::new() }
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
            let (reader, writer) = pipe().context("cannot make a pipe")?;
            let (part, folder) = (found.clone(), self.folder.clone());
            let unpacking = std::thread::spawn(move || {
                let content = std::io::BufReader::new(reader);
                match folder {
                    Some(folder) => unpack(content, &part, &folder),
                    None => look(content, &part),
                }
            });
            return Ok(Current::Files { pipe: Some(writer), unpacking });
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
            Some(Current::Files { pipe: Some(pipe), .. }) => pipe.write_all(bytes).is_err(),
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
            Some(Current::Files { pipe, unpacking }) => {
                drop(pipe);
                let unpacked = unpacking.join().ok().context("unpacking was ended")??;
                self.unpacked.extend(unpacked);
            }
            Some(Current::Nowhere) | None => {}
        }
        Ok(())
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        match self.current.take() {
            Some(Current::Database { mut child, .. }) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            // Nothing is written any more when the folder is cleared.
            Some(Current::Files { pipe, unpacking }) => {
                drop(pipe);
                let _ = unpacking.join();
            }
            Some(Current::Nowhere) | None => {}
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
