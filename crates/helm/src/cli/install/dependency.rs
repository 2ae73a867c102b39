//! `helm install install-dep`: a server's package, by the package manager of this machine.

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::{super::output::say, neo4j};
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
    /// Keeps KnowledgeTree's tree, where it is not PostgreSQL: the same as `helm install neo4j`.
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
        Dependency::Neo4j => return neo4j::run(layout, &neo4j::Order { from: None, json: false }),
    };
    if there {
        say!("{name} is installed.");
        return Ok(());
    }
    package.install(name)?;
    say!("{name} is installed.");
    Ok(())
}

/// Takes a server away again.
pub(super) fn remove(layout: &Layout, dependency: Dependency) -> Result<()> {
    match dependency {
        Dependency::Neo4j => neo4j::remove(layout),
        other => bail!("only Neo4j is taken away here; {other:?} is the machine's, by its package manager"),
    }
}
