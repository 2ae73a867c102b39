//! systemd, by way of `systemctl`: what it is told, and what it says of units.

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::{process::Command, time::timeout};

use crate::domain::systemd::show::{self, Shown};

/// The stop of one unit may take as long as the slowest has for it ([`crate::domain::systemd::LONGEST_STOP`]). Whoever stops
/// several is more patient.
const PATIENCE: Duration = Duration::from_secs(180);

/// The program `systemctl` of the machine.
#[derive(Debug, Clone)]
pub struct Systemctl {
    program: PathBuf,
    patience: Duration,
}

impl Default for Systemctl {
    fn default() -> Self {
        Self::at("systemctl")
    }
}

impl Systemctl {
    /// Another program, or the same by its whole path.
    #[must_use]
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), patience: PATIENCE }
    }

    /// The same, for orders that take as long as this.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Starts a unit; one that runs is left alone.
    ///
    /// # Errors
    /// With what systemd says.
    pub async fn start(&self, unit: &str) -> Result<()> {
        self.run(&["start", unit]).await.map(drop)
    }

    /// Starts a unit and does not wait until it runs, or for a job, until it is over.
    ///
    /// # Errors
    /// With what systemd says.
    pub async fn begin(&self, unit: &str) -> Result<()> {
        self.run(&["start", "--no-block", unit]).await.map(drop)
    }

    /// Stops a unit and waits until it is down.
    ///
    /// # Errors
    /// With what systemd says.
    pub async fn stop(&self, unit: &str) -> Result<()> {
        self.run(&["stop", unit]).await.map(drop)
    }

    /// Stops and starts a unit.
    ///
    /// # Errors
    /// With what systemd says.
    pub async fn restart(&self, unit: &str) -> Result<()> {
        self.run(&["restart", unit]).await.map(drop)
    }

    /// How units stand, in the order in which they were asked for.
    ///
    /// # Errors
    /// With what systemd says.
    pub async fn show(&self, units: &[String]) -> Result<Vec<Shown>> {
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let property = format!("--property={}", show::PROPERTIES);
        let words: Vec<&str> =
            ["show", property.as_str(), "--"].into_iter().chain(units.iter().map(String::as_str)).collect();
        Ok(show::parse(&self.run(&words).await?))
    }

    /// How one unit stands.
    ///
    /// # Errors
    /// With what systemd says.
    pub async fn show_one(&self, unit: &str) -> Result<Shown> {
        let shown = self.show(&[unit.to_owned()]).await?;
        shown.into_iter().next().with_context(|| format!("systemd says nothing of {unit}"))
    }

    /// Any other command; gives what it printed.
    ///
    /// # Errors
    /// With what systemd says.
    pub async fn run(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.arg("--no-ask-password").args(words).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(self.patience, command.output())
            .await
            .with_context(|| format!("systemctl {} does not end", words.join(" ")))?
            .context("cannot run systemctl")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            bail!("systemctl {}: {}", words.first().unwrap_or(&""), said.join("; "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[tokio::test]
    async fn each_order_has_its_own_patience() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("systemctl");
        fs::write(&program, "#!/bin/sh\nshift\n[ \"$2\" = quick ] || exec sleep 1000\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let systemctl = Systemctl::at(&program);
        systemctl.start("quick").await.unwrap();
        let error = systemctl.patient(Duration::ZERO).start("slow").await.unwrap_err();
        assert_eq!(error.to_string(), "systemctl start slow does not end");
    }
}
