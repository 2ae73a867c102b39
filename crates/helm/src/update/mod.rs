//! `helm update`: other programs in the place of these, or these again (platform.md §15).
//!
//! The new programs are put beside the old ones, a backup is taken, the two folders change places in one step of the kernel,
//! and the new suite has to come up. When it does not, the folders change back. A journal says how far this is, so that a
//! killed update is finished or undone by the next one.

mod folders;
mod source;
mod trust;

use std::{
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use hivematrix_shared::clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::{process::Command, time::timeout};

use self::folders::Folders;
pub use self::{folders::journal, source::Source, trust::Trusted};
use crate::{
    backup::history,
    clients::systemctl::Systemctl,
    domain::{
        backup::{
            manifest::State,
            parts::Kind,
            retention::{PartRecord, Record},
        },
        systemd::{JOB_PATIENCE, unit_name},
        update::{Resume, Stage, resume},
    },
    instance::{Layout, build::Build, files},
};

/// Everything must be ready by then, migrations included.
const HEALTH_PATIENCE: Duration = Duration::from_secs(300);

/// What is noted of an update while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Journal {
    stage: Stage,
    /// Fingerprint of the new programs.
    new: String,
}

/// What an update asks of the suite.
pub trait Suite {
    /// Takes a backup of everything.
    fn backup(&self) -> impl Future<Output = Result<()>> + Send;
    /// Lets new programs say whether they can work on this machine and with these databases, before they are in place.
    fn examine(&self, programs: &Path) -> impl Future<Output = Result<()>> + Send;
    /// Brings everything up with the programs of a folder, in order, and waits until all is ready.
    fn bring_up(&self, programs: &Path) -> impl Future<Output = Result<()>> + Send;
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The new programs are in place and well.
    Updated,
    /// They were not well, for the reason given; the old ones are in place again and well.
    RolledBack(String),
    /// A broken-off update that had changed nothing was thrown away.
    Discarded,
}

/// Updates of one folder of programs.
pub struct Updater<'a, S> {
    folders: Folders,
    suite: &'a S,
    _lock: files::FileLock,
}

impl<'a, S: Suite> Updater<'a, S> {
    /// Takes the right to update.
    ///
    /// # Errors
    /// When another update runs, or the folder is none that can be replaced.
    pub fn new(layout: &Layout, programs: &Path, suite: &'a S) -> Result<Self> {
        files::private_dir(&layout.folder("helm"))?;
        let Some(lock) = files::FileLock::try_take(&layout.update_lock())? else {
            bail!("another update is running");
        };
        Ok(Self { folders: Folders::around(programs)?, suite, _lock: lock })
    }

    /// Whether an earlier update was broken off.
    #[must_use]
    pub fn is_broken_off(&self) -> bool {
        self.folders.journal.exists()
    }

    /// Replaces the programs by those of `source`.
    ///
    /// # Errors
    /// When nothing was changed, with the reason; or when neither the new nor the old programs come up.
    pub async fn run(&self, source: &Source) -> Result<Outcome> {
        if self.is_broken_off() {
            bail!("an earlier update was broken off; run `helm update --resume` first");
        }
        let installed = Build::of(&self.folders.programs)?;
        let new = self.folders.stage(source, &installed)?;
        let fingerprint = new.fingerprint()?;
        if fingerprint == installed.fingerprint()? {
            self.folders.discard()?;
            bail!("these programs are in place already");
        }
        let journal = |stage| Journal { stage, new: fingerprint.clone() };
        self.note(&journal(Stage::Staged))?;
        let prepared = async {
            self.suite.examine(&self.folders.new).await.context("the new programs cannot be used here")?;
            self.suite.backup().await.context("no backup, no update")
        };
        if let Err(error) = prepared.await {
            self.folders.discard()?;
            self.forget()?;
            return Err(error);
        }
        self.note(&journal(Stage::Swapping))?;
        self.folders.exchange()?;
        self.judge(&journal(Stage::Judging)).await
    }

    /// Finishes or undoes what was broken off; `None` when there is nothing.
    ///
    /// # Errors
    /// As [`Updater::run`].
    pub async fn resume(&self) -> Result<Option<Outcome>> {
        let Some(journal) = files::read_json::<Journal>(&self.folders.journal)? else {
            return Ok(None);
        };
        let in_place = Build::of(&self.folders.programs)?.fingerprint()? == journal.new;
        match resume(journal.stage, in_place) {
            Resume::Discard => {
                self.folders.discard()?;
                self.forget()?;
                Ok(Some(Outcome::Discarded))
            }
            Resume::Judge => self.judge(&Journal { stage: Stage::Judging, ..journal }).await.map(Some),
            Resume::Return => self.go_back(&journal, "it was broken off".to_owned()).await.map(Some),
            Resume::BringUp => self.old_again("it was broken off".to_owned()).await.map(Some),
        }
    }

    /// The new programs are in place and have to come up.
    async fn judge(&self, journal: &Journal) -> Result<Outcome> {
        self.note(journal)?;
        let came_up = timeout(HEALTH_PATIENCE, self.suite.bring_up(&self.folders.programs)).await;
        let reason = match came_up {
            Ok(Ok(())) => {
                self.folders.keep_previous()?;
                self.forget()?;
                return Ok(Outcome::Updated);
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("not everything was ready after {} s", HEALTH_PATIENCE.as_secs()),
        };
        self.go_back(journal, reason).await
    }

    async fn go_back(&self, journal: &Journal, reason: String) -> Result<Outcome> {
        self.note(&Journal { stage: Stage::Returning, ..journal.clone() })?;
        self.folders.exchange()?;
        self.old_again(reason).await
    }

    async fn old_again(&self, reason: String) -> Result<Outcome> {
        let came_up = timeout(HEALTH_PATIENCE, self.suite.bring_up(&self.folders.programs)).await;
        // The programs are the old ones, whatever they do now: there is nothing left for a next time.
        self.folders.discard()?;
        self.forget()?;
        came_up.unwrap_or_else(|_| Err(anyhow::anyhow!("not ready in time"))).with_context(|| {
            format!("the new programs failed ({reason}), and the old ones do not come up either")
        })?;
        Ok(Outcome::RolledBack(reason))
    }

    fn note(&self, journal: &Journal) -> Result<()> {
        files::write_json(&self.folders.journal, journal)
    }

    fn forget(&self) -> Result<()> {
        std::fs::remove_file(&self.folders.journal).context("cannot remove the journal of the update")
    }
}

/// Whether there is an archive from this update in which nothing is missing but Neo4j, which no update touches.
fn lacks_neo4j_alone(records: &[Record], begun: DateTime<Utc>) -> bool {
    let is_neo4j = |part: &PartRecord| part.state != State::Missing || part.name == Kind::Neo4j.as_str();
    records.first().is_some_and(|record| record.created_at >= begun && record.parts.iter().all(is_neo4j))
}

/// The suite of this machine, by the commands of its programs.
pub struct ThisMachine {
    /// The instance.
    pub layout: Layout,
    /// The programs in place.
    pub programs: PathBuf,
    /// Whether systemd runs the suite: then the backup is a job of its own account.
    pub by_systemd: bool,
}

impl ThisMachine {
    fn helm(&self, programs: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(programs.join("helm"));
        command
            .args(words)
            .env("HIVEMATRIX_HOME", self.layout.home())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

impl Suite for ThisMachine {
    async fn backup(&self) -> Result<()> {
        let begun = Clock::system().now();
        let outcome = if self.by_systemd {
            // The order ends with the job, for which its unit has hours.
            Systemctl::default().patient(JOB_PATIENCE).start(&unit_name("backup")).await
        } else {
            let mut command = self.helm(&self.programs, &["backup"]);
            // Standard output may be kept for an answer.
            command.stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
            match command.status().await.context("cannot run helm backup")? {
                status if status.success() => Ok(()),
                status => Err(anyhow::anyhow!("helm backup ended with {status}")),
            }
        };
        match outcome {
            Err(error) if !lacks_neo4j_alone(&history::records(&self.layout)?, begun) => Err(error),
            _ => Ok(()),
        }
    }

    /// Databases that are newer than the new programs are refused before anything is changed.
    async fn examine(&self, programs: &Path) -> Result<()> {
        let output = self.helm(programs, &["doctor", "--json"]).output().await.context("they do not run")?;
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)
            .ok()
            .context("they do not run: no answer from helm doctor")?;
        let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
        let problem = findings.iter().find(|finding| {
            finding["severity"] == "problem"
                && ["database", "disk", "package"].iter().any(|check| finding["check"] == *check)
        });
        match problem.and_then(|problem| problem["message"].as_str()) {
            Some(message) => bail!("{message}"),
            None => Ok(()),
        }
    }

    async fn bring_up(&self, programs: &Path) -> Result<()> {
        let output = self.helm(programs, &["up"]).output().await.context("cannot run helm up")?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("helm up ended with {}: {}", output.status, said.trim().trim_start_matches("helm: "))
    }
}

#[cfg(test)]
mod tests;
