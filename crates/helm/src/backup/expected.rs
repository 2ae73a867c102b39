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
            graph::PART,
            manifest::{Part, State, database_part},
            parts::Kind,
        },
        keycloak_in_use::{KeycloakInUse, keycloak_in_use},
        master_config::{MasterConfig, Neo4j},
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
    /// The Neo4j that holds a graph of the suite.
    pub(super) graph: Option<Neo4j>,
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
            graph: None,
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
        match graph_of(layout, &registry, neo4j_in_use(&config, &operator)) {
            Graph::At(place) => expected.graph = Some(place),
            Graph::NotSaved(part) => expected.absent.push(part),
        }
        expected.absent.extend([redis_part(&registry), keycloak]);
        Ok(expected)
    }

    pub(super) fn names(&self) -> usize {
        self.files.parts.len() + self.foreign.len() + self.databases.len() + usize::from(self.graph.is_some())
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

/// Where the graph of a suite is.
enum Graph {
    At(Neo4j),
    NotSaved(Part),
}

/// The Neo4j that the suite is told, or that a service of the original suite names in its own settings. Where a service keeps
/// its graph elsewhere without saying so, whoever has some is told, each time.
fn graph_of(layout: &Layout, registry: &Registry, told: Option<Neo4j>) -> Graph {
    let not_saved = |state, reason: String| Graph::NotSaved(Part::absent(PART, Kind::Neo4j, state, reason));
    if registry.get("knowledgetree").is_some_and(HelmEntry::is_remote) {
        return not_saved(
            State::LeftOut,
            "knowledgetree runs elsewhere: its graph is saved there".to_owned(),
        );
    }
    if let Some(place) = told {
        return Graph::At(place);
    }
    let mut whose = None;
    for (name, entry) in registry.iter().filter(|(_, entry)| !entry.is_remote()) {
        let theirs = match foreign::is_upstream(layout, entry) {
            true => foreign::conf_text(layout, name, entry).ok().flatten().and_then(|text| in_conf(&text)),
            false => None,
        };
        if let Some(place) = theirs {
            return Graph::At(place);
        }
        // Ours keeps its tree in PostgreSQL where it is told no Neo4j.
        if entry.start_command.is_some() && entry.needs(NEO4J) {
            whose = Some(name);
        }
    }
    match whose {
        Some(name) => not_saved(
            State::Missing,
            format!(
                "{name} keeps its data in Neo4j, and nobody knows where that is: set databases.neo4j.uri"
            ),
        ),
        None => not_saved(State::NotUsed, "no service uses it".to_owned()),
    }
}

/// The address in the settings of the original's KnowledgeTree.
fn in_conf(text: &str) -> Option<Neo4j> {
    let value = |wanted: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let user = value("neo4j_user").unwrap_or_else(|| "neo4j".to_owned());
    Some(Neo4j { uri: value("neo4j_uri")?, user, password: value("neo4j_password") })
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
