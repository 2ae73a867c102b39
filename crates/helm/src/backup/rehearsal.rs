//! The dry run that a page or a program orders: in the background, one at a time, its result kept beside the archives.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use chrono::{DateTime, Utc};
use hivematrix_shared::clock::Clock;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    folder,
    run::{Preview, preview},
};
use crate::instance::{
    Layout,
    files::{self, FileLock},
};

/// A look at the lock holds it for a moment; whoever wants it waits that moment out.
const GLANCE: Duration = Duration::from_millis(500);

/// What became of a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rehearsal {
    /// When it was over.
    pub finished_at: DateTime<Utc>,
    /// Whether an archive would hold every expected part.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// What an archive would hold.
    pub parts: Vec<Preview>,
}

impl Rehearsal {
    fn of(parts: Result<Vec<Preview>>, finished_at: DateTime<Utc>) -> Self {
        let (parts, error) = match parts {
            Ok(parts) => {
                let missing: Vec<String> = parts
                    .iter()
                    .filter(|part| part.missing)
                    .map(|part| format!("{} ({})", part.part, part.reason.as_deref().unwrap_or_default()))
                    .collect();
                let error = (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", ")));
                (parts, error)
            }
            Err(error) => (Vec::new(), Some(format!("{error:#}"))),
        };
        Self { finished_at, ok: error.is_none(), error, parts }
    }

    /// In one sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.error {
            Some(error) => format!("Test backup failed: {error}"),
            None => {
                let saved = self.parts.iter().filter(|part| part.reason.is_none()).count();
                format!("Test backup passed, nothing was written. Parts an archive would hold: {saved}.")
            }
        }
    }
}

fn result_file(layout: &Layout) -> PathBuf {
    folder(layout).join("test.json")
}

fn lock_file(layout: &Layout) -> PathBuf {
    folder(layout).join("test.lock")
}

/// The right to make a dry run; `None` while another one is made.
///
/// # Errors
/// When the folder cannot be made.
pub async fn take(layout: &Layout) -> Result<Option<FileLock>> {
    files::private_dir(layout.home())?;
    files::private_dir(&folder(layout))?;
    FileLock::take_within(&lock_file(layout), GLANCE).await
}

/// Whether one is being made.
///
/// # Errors
/// When the folder cannot be read.
pub fn is_running(layout: &Layout) -> Result<bool> {
    Ok(lock_file(layout).exists() && FileLock::try_take(&lock_file(layout))?.is_none())
}

/// The last result.
///
/// # Errors
/// When the file is damaged.
pub fn last(layout: &Layout) -> Result<Option<Rehearsal>> {
    files::read_json(&result_file(layout))
}

/// Looks at everything that a backup would save, and remembers what it found, whatever that is. The lock is held until the
/// end.
///
/// # Errors
/// When the result cannot be kept.
pub async fn run(layout: &Layout, clock: &Clock, lock: FileLock) -> Result<Rehearsal> {
    let rehearsal = Rehearsal::of(preview(layout).await, clock.now());
    files::write_json(&result_file(layout), &rehearsal)?;
    drop(lock);
    Ok(rehearsal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, reason: Option<&str>, missing: bool) -> Preview {
        Preview { part: name.into(), files: Some(1), bytes: None, reason: reason.map(Into::into), missing }
    }

    #[test]
    fn one_missing_part_is_a_failure_and_one_left_out_is_none() {
        let at = DateTime::UNIX_EPOCH;
        let whole = vec![part("keys", None, false), part("redis", Some("sessions only"), false)];
        let passed = Rehearsal::of(Ok(whole.clone()), at);
        assert_eq!(
            passed.words(),
            "Test backup passed, nothing was written. Parts an archive would hold: 1."
        );
        let broken = whole.into_iter().chain([part("postgresql/codex_db", Some("no pg_dump"), true)]);
        let failed = Rehearsal::of(Ok(broken.collect()), at);
        assert!(!failed.ok);
        assert_eq!(failed.words(), "Test backup failed: missing: postgresql/codex_db (no pg_dump)");
        let none = Rehearsal::of(Err(anyhow::anyhow!("there is no suite")), at);
        assert_eq!(none.words(), "Test backup failed: there is no suite");
    }
}
