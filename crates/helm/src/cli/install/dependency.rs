//! `helm install install-dep`: a server's package, by the package manager of this machine.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use nix::unistd::Uid;

use super::super::output::say;
use crate::instance::{Layout, packages::Package, postgres, redis};

/// What a suite may need beside its own programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dependency {
    /// Keeps the data. The suite runs one of its own by this package, or uses a given one.
    Postgresql,
    /// Keeps sessions.
    Redis,
    /// Is never installed from here: the suite signs people in by itself.
    Keycloak,
    /// Is never installed from here: only the original suite's KnowledgeTree needs it.
    Neo4j,
}

pub(super) fn run(layout: &Layout, dependency: Dependency) -> Result<()> {
    let (name, there, package) = match dependency {
        Dependency::Postgresql => ("PostgreSQL", postgres::programs_of(layout).is_ok(), Package::POSTGRESQL),
        Dependency::Redis => ("Redis", redis::is_installed(), Package::REDIS),
        Dependency::Keycloak => bail!(
            "nothing here needs Keycloak: Core signs people in by a realm of its own. One that runs is set up by \
             `helm keycloak configure`"
        ),
        Dependency::Neo4j => bail!(
            "no service of this build needs Neo4j. The original suite's KnowledgeTree uses a given one: set \
             databases.neo4j.uri (docs/NEO4J.md)"
        ),
    };
    if there {
        say!("{name} is installed.");
        return Ok(());
    }
    let command = package.command();
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
    say!("{name} is installed.");
    Ok(())
}
