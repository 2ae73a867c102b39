//! The file with a copy of every row that is cleared.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sqlx::PgPool;
use tokio::{sync::mpsc, task::JoinHandle};

use super::ClearError;

/// Finishes what a process that was killed has left: a copy whose rows are gone gets its name, any other is removed.
pub(super) async fn tidy(pool: &PgPool, folder: &Path) -> Result<(), ClearError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        let part = path.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_suffix(".part"));
        let Some(name) = part.filter(|name| name.starts_with("cleared-")) else { continue };
        let cleared = sqlx::query_scalar!(
            r#"select exists(select from tombstones where reason = 'cleared' and record ->> 'backup' = $1) as "cleared!""#,
            name
        )
        .fetch_one(pool)
        .await?;
        if cleared { fs::rename(&path, folder.join(name))? } else { fs::remove_file(&path)? }
    }
    Ok(())
}

/// A copy that is no backup yet; it goes when nothing was cleared.
pub(super) struct Unfinished(pub(super) PathBuf);

impl Unfinished {
    /// Gives it its name. Whether or not that can be done, it stays from now on.
    pub(super) fn complete(mut self, path: &Path) -> io::Result<()> {
        fs::rename(std::mem::take(&mut self.0), path)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// A compressed file with a line of JSON for every row, which only its owner can read.
pub(super) struct Backup {
    lines: mpsc::Sender<String>,
    writer: JoinHandle<io::Result<()>>,
}

impl Backup {
    pub(super) async fn create(folder: &Path, path: &Path) -> Result<Self, ClearError> {
        let (place, path) = (folder.to_owned(), path.to_owned());
        let create = move || -> io::Result<(PathBuf, File)> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            Ok((place, file))
        };
        let (place, file) = tokio::task::spawn_blocking(create).await.map_err(io::Error::other)??;
        let (lines, mut received) = mpsc::channel::<String>(256);
        let writer = tokio::task::spawn_blocking(move || {
            let mut packed = GzEncoder::new(BufWriter::new(file), Compression::default());
            while let Some(line) = received.blocking_recv() {
                packed.write_all(line.as_bytes())?;
                packed.write_all(b"\n")?;
            }
            let file = packed.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            File::open(place)?.sync_all()
        });
        Ok(Self { lines, writer })
    }

    pub(super) async fn add(&mut self, line: String) -> Result<(), ClearError> {
        if self.lines.send(line).await.is_ok() {
            return Ok(());
        }
        // The writer has ended, which it does only when it cannot write.
        let ended = (&mut self.writer).await.map_err(io::Error::other)?;
        Err(ended.err().unwrap_or_else(|| io::Error::other("the writer ended early")).into())
    }

    /// Everything is on the disk.
    pub(super) async fn finish(self) -> Result<(), ClearError> {
        drop(self.lines);
        Ok(self.writer.await.map_err(io::Error::other)??)
    }
}
