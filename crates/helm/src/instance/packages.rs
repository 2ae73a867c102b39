//! Packages of this machine, by the names that they have in its distribution.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};
use nix::unistd::Uid;

/// A package, by its names in the distributions.
pub struct Package<'a> {
    /// Debian and Ubuntu.
    pub debian: &'a str,
    /// Fedora and its relatives.
    pub fedora: &'a str,
}

impl Package<'static> {
    /// The server that keeps the data.
    pub const POSTGRESQL: Self = Self { debian: "postgresql", fedora: "postgresql-server" };
    /// The server that keeps sessions.
    pub const REDIS: Self = Self { debian: "redis-server", fedora: "redis" };
    /// Runs Neo4j.
    pub const JAVA: Self = Self { debian: "openjdk-17-jre-headless", fedora: "java-21-openjdk-headless" };
    /// Fetches Neo4j's programs.
    pub const MAVEN: Self = Self { debian: "maven", fedora: "maven" };
}

impl Package<'_> {
    /// The command of this machine's package manager that installs it.
    #[must_use]
    pub fn command(&self) -> String {
        if Path::new("/usr/bin/dnf").exists() {
            format!("dnf install {}", self.fedora)
        } else {
            format!("apt-get install {}", self.debian)
        }
    }

    /// Installs it, as root.
    ///
    /// # Errors
    /// With the command for root, where somebody else asks; or in what it failed.
    pub fn install(&self, name: &str) -> Result<()> {
        let command = self.command();
        if !Uid::effective().is_root() {
            bail!("{name} is not installed, and only root can install it: {command}");
        }
        let mut words = command.split_whitespace();
        let program = words.next().context("there is no package manager")?;
        let status = Command::new(program).arg("-y").args(words).status();
        let status = status.with_context(|| format!("cannot run {program}"))?;
        if !status.success() {
            bail!("`{command}` ended with {status}");
        }
        Ok(())
    }
}
