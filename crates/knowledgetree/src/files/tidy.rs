//! A look around for what a process left behind that was ended in the middle: drafts, bytes put aside, bytes without a record.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{Files, blocking, remove::ASIDE};
use crate::store::{self, KnowledgeStore};

/// Younger things may belong to an upload that is under way.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);
/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(24 * 60 * 60);
/// Time before the first one.
const FIRST: Duration = Duration::from_secs(5 * 60);
/// Hashes that are asked for together.
const TOGETHER: usize = 500;

/// Looks around once a day, for ever.
pub async fn tidy_daily(files: Files, store: Arc<dyn KnowledgeStore>) {
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = PAUSE;
        match files.tidy(store.as_ref(), GRACE).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "bytes without a file were removed"),
            Err(error) => tracing::warn!(%error, "the folder of files was not looked through"),
        }
    }
}

/// What lies in the folder and may have to go.
#[derive(Default)]
struct Found {
    drafts: Vec<PathBuf>,
    aside: Vec<(String, PathBuf)>,
    hashes: Vec<String>,
}

impl Files {
    /// Removes all bytes, after a wipe. What was uploaded since stays: it has a record again, or its bytes at hand.
    pub async fn forget_all(&self, store: &dyn KnowledgeStore) {
        if let Err(error) = self.tidy(store, Duration::ZERO).await {
            tracing::warn!(%error, "bytes of removed files stay for now");
        }
        // The original suite's bytes lie under their names, and nothing of ours does.
        let folder = self.folder.to_path_buf();
        let removed = blocking(move || {
            for entry in entries(&folder)? {
                if entry.file_type()?.is_file() {
                    fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        });
        if let Err(error) = removed.await {
            tracing::warn!(%error, "removed files of the original suite stay on the disk");
        }
    }

    /// Removes what is older than `grace` and belongs to no record; how many files of bytes that were.
    ///
    /// # Errors
    /// When the store does not say what is needed, or the folder cannot be read.
    pub async fn tidy(&self, store: &dyn KnowledgeStore, grace: Duration) -> store::Result<usize> {
        let (folder, passing) = (self.folder.to_path_buf(), self.passing());
        let found = blocking(move || look(&folder, &passing, grace)).await;
        let found = found.map_err(|error| store::StoreError::Failed(error.to_string()))?;
        for draft in found.drafts {
            // It may be gone since.
            let _ = tokio::fs::remove_file(draft).await;
        }
        let mut removed = self.decide(store, found.aside).await?;
        for hashes in found.hashes.chunks(TOGETHER) {
            removed += self.remove_unused(store, hashes.to_vec()).await?;
        }
        Ok(removed)
    }
}

fn look(folder: &Path, passing: &Path, grace: Duration) -> io::Result<Found> {
    let mut found = Found::default();
    for entry in entries(passing)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        match name.strip_prefix(ASIDE).and_then(|rest| rest.split_once('.')) {
            Some((hash, _)) if is_old(&entry, grace) => found.aside.push((hash.to_owned(), entry.path())),
            // A draft may be growing, whatever else is to go now.
            None if is_old(&entry, GRACE) => found.drafts.push(entry.path()),
            _ => {}
        }
    }
    for part in entries(folder)?.into_iter().filter(is_part) {
        let files = entries(&part.path())?.into_iter().filter(|entry| is_old(entry, grace));
        found.hashes.extend(files.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    }
    Ok(found)
}

/// A folder that is not there has nothing in it.
fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// A folder whose name is two digits of a hash.
fn is_part(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    name.len() == 2 && name.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit)
}

fn is_old(entry: &fs::DirEntry, grace: Duration) -> bool {
    let changed = entry.metadata().and_then(|meta| meta.modified());
    // The disk's times are the machine's, not those of the service's clock.
    let now = SystemTime::now();
    changed.is_ok_and(|changed| now.duration_since(changed).is_ok_and(|age| age >= grace))
}
