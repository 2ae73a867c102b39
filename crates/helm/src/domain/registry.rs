//! The registry: `apps_registry.json` is the authority, the three files the services read are generated from it
//! (platform.md §3.1, §3.2).

mod checked;
mod files;
pub mod found;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

pub use self::files::{App, AppsRegistry, HelmEntry, MasterEntry, ServiceEntry, without_lookup};
use super::ports::{self, PortOutOfRange};

/// Order of the side panel; unknown services follow by name.
const PANEL_ORDER: [&str; 10] = [
    "beacon",
    "knowledgetree",
    "brainhair",
    "codex",
    "ledger",
    "archive",
    "helm",
    "core",
    "nexus",
    "keycloak",
];

/// What marks the folder of a service of upstream's, and starts it (platform.md §2).
pub const RUN_SCRIPT: &str = "run.py";

/// The server of the original suite's KnowledgeTree. An operator's registry may name it without listing it as a dependency,
/// and a backup must not pass over it.
pub const NEO4J: &str = "neo4j";

/// Start order of an app that names none (platform.md §3.1).
const LATE: u32 = 99;

/// The generated registry of one suite, in side-panel order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    entries: IndexMap<String, HelmEntry>,
    guests: IndexMap<String, ServiceEntry>,
}

/// What turns the registry into the addresses of one suite.
#[derive(Debug, Clone, Copy, Default)]
pub struct Addressing {
    /// `HIVEMATRIX_PORT_OFFSET`.
    pub offset: u16,
    /// Public port of the gateway when one is given explicitly: it is never shifted.
    pub gateway_port: Option<u16>,
}

/// Why no registry can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A port is none.
    #[error(transparent)]
    OutOfRange(#[from] PortOutOfRange),
    /// A service, or a server that one needs, has no plain name.
    #[error(
        "{0:?} cannot be the name of a service: it is 1 to 50 of a-z, 0-9, _ and -; change it in apps_registry.json"
    )]
    Name(String),
    /// Text that no unit could hold.
    #[error(
        "{member} of {name} must not hold control characters or a backslash; change it in apps_registry.json"
    )]
    Text {
        /// Whose.
        name: String,
        /// Where.
        member: &'static str,
    },
    /// A command that does not begin with a program.
    #[error(
        "the command of {0} must begin with the path or the name of a program; change it in apps_registry.json"
    )]
    Program(String),
    /// Two would listen on one port.
    #[error("{first} and {second} both have port {port}; change one of them in apps_registry.json")]
    Taken {
        /// Who has it.
        first: String,
        /// Who wants it too.
        second: String,
        /// The port, with the suite's offset.
        port: u16,
    },
}

/// Who listens where on this machine.
struct Listeners(BTreeMap<u16, String>);

impl Listeners {
    /// The servers that Helm may run.
    fn of_servers(offset: u16) -> Self {
        let servers = ports::SERVERS.into_iter();
        Self(
            servers
                .filter_map(|(name, port)| Some((ports::shifted(port, offset).ok()?, name.to_owned())))
                .collect(),
        )
    }

    fn enter(&mut self, name: &str, port: u16) -> Result<(), RegistryError> {
        match self.0.insert(port, name.to_owned()) {
            None => Ok(()),
            Some(first) => Err(RegistryError::Taken { first, second: name.to_owned(), port }),
        }
    }
}

impl Registry {
    /// Generates the registry of a suite from the authority.
    ///
    /// # Errors
    /// When a name or a text means something else in a path or a unit, a port leaves the valid range, or two would listen
    /// on one.
    pub fn generate(apps: &AppsRegistry, addressing: Addressing) -> Result<Self, RegistryError> {
        checked::check(apps)?;
        let mut listeners = Listeners::of_servers(addressing.offset);
        let mut named: Vec<(&String, &App)> = apps.core_apps.iter().chain(&apps.default_apps).collect();
        let place = |app: &App| app.order.unwrap_or(u32::MAX);
        named.sort_by_key(|(name, app)| (place(app), panel_rank(name), (*name).clone()));
        let known: Vec<&String> = named.iter().map(|(name, _)| *name).collect();
        let mut entries = IndexMap::new();
        for (order, (name, app)) in (1u32..).zip(&named) {
            let port = match addressing.gateway_port {
                Some(port) if name.as_str() == "nexus" => port,
                _ => ports::shifted(app.port, addressing.offset)?,
            };
            if app.urls.is_none() {
                listeners.enter(name, port)?;
            }
            let own_url = format!("{}://localhost:{port}", app.scheme.as_deref().unwrap_or("http"));
            let url = app.urls.as_ref().and_then(|urls| urls.first().cloned()).unwrap_or(own_url);
            let service = ServiceEntry {
                url,
                urls: app.urls.clone(),
                visible: app.visible.unwrap_or(true),
                admin_only: app.admin_only,
                billing_or_admin_only: app.billing_or_admin_only,
                levels: app.levels.clone(),
                pages: app.pages.clone(),
                timeouts: app.timeouts.clone(),
                port,
                title: app.title.clone().unwrap_or_else(|| display_name(&app.name)),
                icon: app.icon.clone(),
                order,
                start_order: app.start_order.or(app.install_order).unwrap_or(LATE),
                dependencies: app.dependencies.iter().filter(|d| known.contains(d)).cloned().collect(),
            };
            let servers = app
                .dependencies
                .iter()
                .filter(|d| apps.system_dependencies.contains_key(*d) || d.as_str() == NEO4J)
                .cloned()
                .collect();
            let path = app.path.clone().unwrap_or_else(|| (*name).clone());
            entries.insert(
                (*name).clone(),
                HelmEntry {
                    service,
                    path,
                    servers,
                    start_command: app.command(),
                    python_bin: app.python_bin.clone(),
                    run_script: app.run_script.clone(),
                },
            );
        }
        Ok(Self { entries, guests: IndexMap::new() })
    }

    /// The same with something more behind the gateway that is no service: nobody watches it or waits for it.
    #[must_use]
    pub fn with_guest(mut self, name: &str, guest: ServiceEntry) -> Self {
        self.guests.insert(name.to_owned(), guest);
        self
    }

    /// Only the entries that `keep` accepts.
    #[must_use]
    pub fn filtered(mut self, keep: impl Fn(&str, &HelmEntry) -> bool) -> Self {
        self.entries.retain(|name, entry| keep(name, entry));
        self
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&HelmEntry> {
        self.entries.get(name)
    }

    /// Names in side-panel order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// All entries in side-panel order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HelmEntry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// Names in start order.
    #[must_use]
    pub fn start_sequence(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names().collect();
        names.sort_by_key(|name| self.entries[*name].service.start_order);
        names
    }

    /// What must be ready before `name` starts: every service of a lower start order, and its dependencies.
    #[must_use]
    pub fn predecessors(&self, name: &str) -> Vec<String> {
        let Some(entry) = self.get(name) else { return Vec::new() };
        self.entries
            .iter()
            .filter(|(other, e)| {
                other.as_str() != name
                    && (e.service.start_order < entry.service.start_order
                        || entry.service.dependencies.contains(other))
            })
            .map(|(other, _)| other.clone())
            .collect()
    }

    /// `services.json`: what every service reads.
    #[must_use]
    pub fn services_json(&self) -> String {
        let services = self.entries.iter().map(|(name, entry)| (name.as_str(), &entry.service));
        let guests = self.guests.iter().map(|(name, guest)| (name.as_str(), guest));
        pretty(&services.chain(guests).collect::<IndexMap<&str, &ServiceEntry>>())
    }

    /// `helm_services.json`: read by Helm only.
    #[must_use]
    pub fn helm_services_json(&self) -> String {
        pretty(&self.entries)
    }

    /// `master_services.json`: the minimal one (seed 3.7).
    #[must_use]
    pub fn master_services_json(&self) -> String {
        let entries: IndexMap<&str, MasterEntry> = self
            .entries
            .iter()
            .map(|(name, e)| {
                (name.as_str(), MasterEntry { url: e.service.url.clone(), port: e.service.port })
            })
            .collect();
        pretty(&entries)
    }
}

fn panel_rank(name: &str) -> usize {
    PANEL_ORDER.iter().position(|known| *known == name).unwrap_or(PANEL_ORDER.len())
}

fn display_name(full: &str) -> String {
    full.trim_start_matches("HiveMatrix").trim().to_owned()
}

fn pretty<T: Serialize>(value: &T) -> String {
    // Maps with string keys and plain members always serialize; the fallback keeps the signature honest.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|_| "{}".to_owned());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
