//! What should be in an archive of an instance, and why something of it is not.

use anyhow::{Context, Result};

use super::{
    dump::Source,
    foreign_files::{self, Foreign},
    scan::{Found, Root, scan},
};
use crate::{
    domain::{
        backup::{
            manifest::{Part, State, database_part},
            parts::Kind,
        },
        keycloak_in_use::{KeycloakInUse, keycloak_in_use},
        master_config::MasterConfig,
        neo4j_in_use::neo4j_in_use,
        registry::{HelmEntry, NEO4J, Registry},
    },
    instance::{
        Layout, databases, foreign, installation, master_config, operator, options::Options, registry,
        secrets,
    },
};

/// Everything that should be in an archive of this instance.
pub(super) struct Expected {
    /// The instance directory.
    pub(super) home: Root,
    /// Parts that are files in it.
    pub(super) files: Found,
    /// Folders of foreign services, outside of the instance directory.
    pub(super) foreign: Vec<Foreign>,
    /// Databases.
    pub(super) databases: Vec<Source>,
    /// Parts that are not saved, and why.
    pub(super) absent: Vec<Part>,
}

impl Expected {
    /// Looks at the instance; touches nothing.
    ///
    /// # Errors
    /// When there is no instance, or a file of it cannot be read.
    pub(super) fn of(layout: &Layout) -> Result<Self> {
        let secrets = secrets::read(layout)?;
        let operator = operator::of_suite(layout)?;
        let options = Options::read(layout)?;
        let registry = registry::look(layout, &options, &installation::programs()?)?;
        let home = Root::home(layout.home())?;
        let mut expected = Self {
            files: scan(&home).with_context(|| format!("in {}", layout.home().display()))?,
            home,
            foreign: Vec::new(),
            databases: Vec::new(),
            absent: Vec::new(),
        };
        for (name, entry) in registry.iter() {
            match foreign_files::of(layout, name, entry) {
                None => {}
                Some(Ok(foreign)) => expected.foreign.push(foreign),
                Some(Err(part)) => expected.absent.push(part),
            }
        }
        for (name, entry) in registry.iter().filter(|(_, entry)| entry.needs_database()) {
            if entry.is_remote() {
                let reason = format!("{name} runs elsewhere: its database is saved there");
                let part = database_part(name);
                expected.absent.push(Part::absent(part, Kind::Postgresql, State::LeftOut, reason));
                continue;
            }
            match databases::backup_urls(layout, name, &secrets, &operator) {
                Ok((url, dump_url)) => {
                    expected.databases.push(Source { service: name.to_owned(), url, dump_url });
                }
                Err(error) => {
                    let part = database_part(name);
                    expected.absent.push(missing(&part, Kind::Postgresql, &error));
                }
            }
        }
        let config = MasterConfig::from(master_config::read(layout)?.document);
        let keycloak = keycloak_part(keycloak_in_use(&config, &operator).as_ref());
        let graph = graph_of(layout, &registry, neo4j_in_use(&config, &operator).is_some());
        expected.absent.extend([redis_part(&registry), neo4j_part(graph), keycloak]);
        Ok(expected)
    }

    pub(super) fn names(&self) -> usize {
        self.files.parts.len() + self.foreign.len() + self.databases.len()
    }
}

/// Redis holds sessions of at most an hour. Bringing old ones back would sign people in again who were signed out since.
fn redis_part(registry: &Registry) -> Part {
    match registry.iter().any(|(_, entry)| entry.needs_redis() && !entry.is_remote()) {
        true => Part::absent(
            "redis",
            Kind::Redis,
            State::LeftOut,
            "it holds sessions only, and a session that ended must not come back",
        ),
        false => Part::absent("redis", Kind::Redis, State::NotUsed, "no service uses it"),
    }
}

/// What keeps data in Neo4j: a service that needs that server, one whose own settings name it, or the suite's settings alone.
fn graph_of(layout: &Layout, registry: &Registry, is_set: bool) -> Option<String> {
    let uses_it = |name: &str, entry: &HelmEntry| {
        let own = || foreign::conf_text(layout, name, entry).ok().flatten().unwrap_or_default();
        let names_it = |line: &str| line.trim_start().to_ascii_lowercase().starts_with("neo4j_uri");
        !entry.is_remote()
            && (entry.servers.iter().any(|server| server == NEO4J)
                || (foreign::is_upstream(layout, entry) && own().lines().any(names_it)))
    };
    let service = registry.iter().find(|(name, entry)| uses_it(name, entry)).map(|(name, _)| name.to_owned());
    // Where the service runs elsewhere, so does what it keeps.
    let is_elsewhere = registry.get("knowledgetree").is_some_and(HelmEntry::is_remote);
    service.or_else(|| (is_set && !is_elsewhere).then(|| "KnowledgeTree".to_owned()))
}

/// Data in Neo4j is no part of an archive yet: whoever has some is told, each time.
fn neo4j_part(graph: Option<String>) -> Part {
    match graph {
        Some(whose) => Part::absent(
            "neo4j",
            Kind::Neo4j,
            State::Missing,
            format!(
                "the data of {whose} is in Neo4j, which this version cannot export: dump it with neo4j-admin"
            ),
        ),
        None => Part::absent("neo4j", Kind::Neo4j, State::NotUsed, "no service uses it"),
    }
}

/// With Core's own realm the users lie in `core_db`.
fn keycloak_part(used: Option<&KeycloakInUse>) -> Part {
    match used {
        Some(keycloak) => Part::absent(
            "keycloak",
            Kind::Keycloak,
            State::LeftOut,
            format!("{} is a server of its own: back up its database there", keycloak.base_url()),
        ),
        None => Part::absent("keycloak", Kind::Keycloak, State::NotUsed, "users are in core_db"),
    }
}

/// A part that should be there and is not.
pub(super) fn missing(name: &str, kind: Kind, error: &anyhow::Error) -> Part {
    let reason = format!("{error:#}");
    tracing::error!(part = name, error = reason, "a part of the backup is missing");
    Part::absent(name, kind, State::Missing, reason)
}
