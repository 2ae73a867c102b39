//! Which archives have had their time.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::manifest::{Manifest, State};

/// Days that archives are kept unless asked otherwise.
pub const KEEP_DAYS: u32 = 30;

/// What is remembered of a finished archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it lies.
    pub archive: PathBuf,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it was finished.
    pub finished_at: DateTime<Utc>,
    /// Whether every expected part is in it.
    pub complete: bool,
    /// Its size.
    pub bytes: u64,
    /// Its parts.
    pub parts: Vec<PartRecord>,
    /// The last test restore.
    #[serde(default)]
    pub verified: Option<Verified>,
}

impl Record {
    /// What is remembered of an archive with this manifest.
    #[must_use]
    pub fn of(archive: PathBuf, bytes: u64, manifest: &Manifest) -> Self {
        let part = |part: &super::manifest::Part| PartRecord {
            name: part.name.clone(),
            state: part.state,
            bytes: part.bytes,
            reason: part.reason.clone(),
        };
        Self {
            archive,
            created_at: manifest.header.created_at,
            finished_at: manifest.finished_at,
            complete: manifest.is_complete(),
            bytes,
            parts: manifest.parts.iter().map(part).collect(),
            verified: None,
        }
    }
}

/// A part of a finished archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub state: State,
    /// Bytes in the archive.
    pub bytes: u64,
    /// Why it is not there.
    pub reason: Option<String>,
}

/// A test restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether everything came out as it was.
    pub ok: bool,
}

/// The archives that are older than `keep_days`. The newest complete one is kept however old it is: when backups fail for
/// a month, the last good one is what counts.
#[must_use]
pub fn expired(records: &[Record], now: DateTime<Utc>, keep_days: u32) -> Vec<PathBuf> {
    let newest = records.iter().filter(|record| record.complete).max_by_key(|record| record.created_at);
    let cutoff = now - TimeDelta::days(i64::from(keep_days));
    records
        .iter()
        .filter(|record| {
            record.created_at < cutoff && newest.is_none_or(|kept| kept.archive != record.archive)
        })
        .map(|record| record.archive.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, day: &str, complete: bool) -> Record {
        let at: DateTime<Utc> = format!("{day}T02:00:00Z").parse().unwrap();
        Record {
            archive: name.into(),
            created_at: at,
            finished_at: at,
            complete,
            bytes: 1,
            parts: Vec::new(),
            verified: None,
        }
    }

    #[test]
    fn archives_leave_by_age_and_the_last_good_one_stays() {
        let now = "2025-12-31T12:00:00Z".parse().unwrap();
        let all = [
            record("old", "2025-11-01", true),
            record("just too old", "2025-12-01", true),
            record("young", "2025-12-02", true),
        ];
        let names = |records: &[Record]| -> Vec<String> {
            expired(records, now, 30).iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(names(&all), ["old", "just too old"]);
        let failing = [
            record("older", "2025-10-01", true),
            record("good", "2025-11-01", true),
            record("bad", "2025-11-02", false),
        ];
        assert_eq!(names(&failing), ["older", "bad"]);
        assert!(names(&[]).is_empty());
    }
}
