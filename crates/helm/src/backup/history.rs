//! What is remembered beside the archives: the list of them, the last result, and how far the running one is.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::folder;
use crate::{
    domain::{
        alerts::LastBackup,
        backup::{
            named_at,
            retention::{Record, Verified, expired},
        },
    },
    instance::{
        Layout,
        beneath::Entry,
        files::{self, FileLock},
    },
};

/// A look at the lock holds it for a moment; whoever wants it waits that moment out.
const GLANCE: Duration = Duration::from_millis(500);

/// The last result, for alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Last {
    /// When it was over.
    pub finished_at: DateTime<Utc>,
    /// The archive, when there is one.
    #[schema(value_type = Option<String>)]
    pub archive: Option<PathBuf>,
    /// Whether every expected part is in it.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

impl From<Last> for LastBackup {
    fn from(last: Last) -> Self {
        Self { finished_at: last.finished_at, ok: last.ok }
    }
}

/// How far the running backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// The part it is at.
    pub part: String,
    /// Parts that are done.
    pub done: usize,
    /// All parts.
    pub parts: usize,
}

fn history_file(layout: &Layout) -> PathBuf {
    folder(layout).join("history.json")
}

fn last_file(layout: &Layout) -> PathBuf {
    folder(layout).join("last.json")
}

fn progress_file(layout: &Layout) -> PathBuf {
    folder(layout).join("progress.json")
}

fn lock_file(layout: &Layout) -> PathBuf {
    folder(layout).join("backup.lock")
}

/// The right to write an archive; `None` while another process has it.
///
/// # Errors
/// When the folder cannot be made.
pub async fn take(layout: &Layout) -> Result<Option<FileLock>> {
    files::private_dir(&folder(layout))?;
    FileLock::take_within(&lock_file(layout), GLANCE).await
}

/// Whether an archive is being written, by whomever, and how far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Running {
    /// Somebody holds the lock.
    pub is_running: bool,
    /// What was told last, if anything was yet.
    pub progress: Option<Progress>,
}

/// Looks whether an archive is being written.
///
/// # Errors
/// When the folder cannot be read.
pub fn running(layout: &Layout) -> Result<Running> {
    if !lock_file(layout).exists() || FileLock::try_take(&lock_file(layout))?.is_some() {
        return Ok(Running::default());
    }
    Ok(Running { is_running: true, progress: files::read_json(&progress_file(layout))? })
}

/// Says how far the running backup is.
///
/// # Errors
/// When the disk does not take it.
pub fn tell(layout: &Layout, progress: &Progress) -> Result<()> {
    files::write_json(&progress_file(layout), progress)
}

/// The last result.
///
/// # Errors
/// When the file is damaged.
pub fn last(layout: &Layout) -> Result<Option<Last>> {
    files::read_json(&last_file(layout))
}

/// Remembers the result of a backup.
///
/// # Errors
/// When the disk does not take it.
pub fn remember(layout: &Layout, last: &Last) -> Result<()> {
    if let Err(error) = fs::remove_file(progress_file(layout))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::debug!(error = %error, "the progress of the backup was not removed");
    }
    files::write_json(&last_file(layout), last)
}

/// Every archive that is still there, newest first.
///
/// # Errors
/// When the list is damaged.
pub fn records(layout: &Layout) -> Result<Vec<Record>> {
    let mut records: Vec<Record> = files::read_json(&history_file(layout))?.unwrap_or_default();
    records.retain(|record| record.archive.is_file());
    records.sort_by_key(|record| std::cmp::Reverse(record.created_at));
    Ok(records)
}

/// Adds an archive to the list. The caller holds the lock.
///
/// # Errors
/// When the list is damaged or cannot be written.
pub fn add(layout: &Layout, record: Record) -> Result<()> {
    let mut records = records(layout)?;
    records.insert(0, record);
    files::write_json(&history_file(layout), &records)
}

/// Removes the archives of the list that had their time; others are never touched, nor what has no archive's name: the list
/// lies in Helm's folder, and root may be told to clean up by it. The caller holds the lock.
///
/// # Errors
/// When the list is damaged or an archive cannot be removed.
pub fn remove_expired(layout: &Layout, now: DateTime<Utc>, keep_days: u32) -> Result<Vec<PathBuf>> {
    let mut left = records(layout)?;
    let mut leaving = expired(&left, now, keep_days);
    leaving.retain(|archive| archive.file_name().and_then(OsStr::to_str).and_then(named_at).is_some());
    for archive in &leaving {
        Entry::at(archive)
            .and_then(fs::remove_file)
            .map_err(|error| anyhow::anyhow!("cannot remove {}: {error}", archive.display()))?;
    }
    if !leaving.is_empty() {
        left.retain(|record| !leaving.contains(&record.archive));
        files::write_json(&history_file(layout), &left)?;
    }
    Ok(leaving)
}

/// Remembers a test restore of an archive of the list.
///
/// # Errors
/// When the list is damaged or cannot be written.
pub async fn verified(layout: &Layout, archive: &Path, verified: Verified) -> Result<()> {
    let Some(_lock) = take(layout).await? else { return Ok(()) };
    let mut records = records(layout)?;
    let Some(record) = records.iter_mut().find(|record| record.archive == archive) else { return Ok(()) };
    record.verified = Some(verified);
    files::write_json(&history_file(layout), &records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(archive: PathBuf, day: &str) -> Record {
        let created_at: DateTime<Utc> = format!("{day}T02:00:00Z").parse().unwrap();
        Record {
            archive,
            created_at,
            finished_at: created_at,
            complete: true,
            bytes: 1,
            parts: Vec::new(),
            verified: None,
        }
    }

    #[tokio::test]
    async fn only_listed_archives_ever_leave() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        let lock = take(&layout).await.unwrap();
        assert!(lock.is_some());
        let path = |name: &str| folder(&layout).join(name);
        let (old, new) = ["20251001", "20251230"]
            .map(|day| path(&format!("hivematrix_backup_{day}_020000.tar.age")))
            .into();
        // Whoever can write the list could name any file.
        let no_archive = home.path().join("passwd");
        for (path, day) in [(&old, "2025-10-01"), (&no_archive, "2025-10-02"), (&new, "2025-12-30")] {
            fs::write(path, "x").unwrap();
            add(&layout, record(path.clone(), day)).unwrap();
        }
        let stranger = path("hivematrix_backup_20250101_020000.tar.age");
        fs::write(&stranger, "x").unwrap();
        let removed = remove_expired(&layout, "2025-12-31T00:00:00Z".parse().unwrap(), 30).unwrap();
        assert_eq!(removed, [old]);
        assert!(stranger.exists() && new.exists() && no_archive.exists());
        assert_eq!(records(&layout).unwrap().len(), 2);
        assert!(take(&layout).await.unwrap().is_none(), "one at a time");
        assert!(running(&layout).unwrap().is_running);
        drop(lock);
        assert!(!running(&layout).unwrap().is_running);
    }
}
