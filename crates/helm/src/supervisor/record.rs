//! Notes about running processes, so that a new daemon can adopt them.

use std::{fs, path::PathBuf};

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::process::Identity;
use crate::instance::files;

/// What is noted about one running process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Which process.
    #[serde(flatten)]
    pub identity: Identity,
    /// When Helm started it.
    pub started_at: DateTime<Utc>,
    /// What it was started as ([`super::spec::UnitSpec::fingerprint`]).
    pub fingerprint: String,
}

/// The folder of the records.
#[derive(Debug, Clone)]
pub struct Records(PathBuf);

impl Records {
    /// Records in `folder`, which is made.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: PathBuf) -> Result<Self> {
        files::private_dir(&folder)?;
        Ok(Self(folder))
    }

    /// The record of a unit whose process still runs.
    #[must_use]
    pub fn living(&self, unit: &str) -> Option<Record> {
        let record: Record = files::read_json(&self.path(unit)).ok().flatten()?;
        record.identity.is_alive().then_some(record)
    }

    /// Notes a process.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, unit: &str, record: &Record) -> Result<()> {
        files::write_json(&self.path(unit), record)
    }

    /// Forgets a process.
    pub fn remove(&self, unit: &str) {
        let _ = fs::remove_file(self.path(unit));
    }

    fn path(&self, unit: &str) -> PathBuf {
        self.0.join(format!("{unit}.json"))
    }
}
