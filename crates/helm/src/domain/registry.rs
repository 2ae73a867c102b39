//! The registry: `apps_registry.json` is the authority, the three files the services read are generated from it
//! (platform.md §3.1, §3.2).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

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

/// Start order of an app that names none (platform.md §3.1).
const LATE: u32 = 99;

/// `apps_registry.json`: hand-edited, the one authority.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AppsRegistry {
    /// Services without which nothing works.
    #[serde(default)]
    pub core_apps: IndexMap<String, App>,
    /// The other services.
    #[serde(default)]
    pub default_apps: IndexMap<String, App>,
    /// Servers that are not ours: their names may appear in `dependencies`.
    #[serde(default)]
    pub system_dependencies: IndexMap<String, serde_json::Value>,
}

/// One service of the registry.
#[derive(Debug, Clone, Deserialize)]
pub struct App {
    /// Full name, e.g. `HiveMatrix Core`.
    pub name: String,
    /// Display name; default: `name` without `HiveMatrix`.
    pub title: Option<String>,
    /// Port of a suite without offset.
    pub port: u16,
    /// `http` unless said otherwise.
    pub scheme: Option<String>,
    /// Names of apps and system dependencies that must be there first.
    #[serde(default)]
    pub dependencies: Vec<String>,
    /// Start order; services of one order start together.
    pub install_order: Option<u32>,
    /// Whether the side panel shows it (default true).
    pub visible: Option<bool>,
    /// Only for `admin`.
    #[serde(default)]
    pub admin_only: bool,
    /// Only for `admin` and `billing`.
    #[serde(default)]
    pub billing_or_admin_only: bool,
    /// Permission levels that may open it; absent = all.
    pub levels: Option<Vec<String>>,
    /// Lucide name of its icon.
    pub icon: Option<String>,
    /// `compat` for pages of upstream's services (nexus.md §13).
    pub pages: Option<String>,
    /// Seconds the gateway waits for a sign of life, by path (nexus.md §8).
    #[serde(default)]
    pub timeouts: IndexMap<String, u64>,
    /// Several instances, each a full base URL, that run elsewhere; the first is `url`.
    pub urls: Option<Vec<String>>,
    /// Command line that runs a foreign service in its folder.
    pub start_command: Option<String>,
    /// Folder of a foreign service.
    pub path: Option<String>,
}

/// One entry of `services.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEntry {
    /// Base URL without trailing slash.
    pub url: String,
    /// Further instances, `url` being the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub urls: Option<Vec<String>>,
    /// Whether the side panel shows it.
    pub visible: bool,
    /// Only for `admin`.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub admin_only: bool,
    /// Only for `admin` and `billing`.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub billing_or_admin_only: bool,
    /// Permission levels that may open it; absent = all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub levels: Option<Vec<String>>,
    /// `compat` for upstream's pages.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pages: Option<String>,
    /// Seconds the gateway waits for a sign of life, by path.
    #[serde(skip_serializing_if = "IndexMap::is_empty", default)]
    pub timeouts: IndexMap<String, u64>,
    /// Where it listens.
    pub port: u16,
    /// Display name.
    pub title: String,
    /// Lucide icon name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub icon: Option<String>,
    /// Place in the side panel, from 1.
    pub order: u32,
    /// Services of one start order start together, lower ones first.
    pub start_order: u32,
    /// Services (not servers) it needs.
    pub dependencies: Vec<String>,
}

/// One entry of `helm_services.json`: what Helm needs to run the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelmEntry {
    /// What every service reads.
    #[serde(flatten)]
    pub service: ServiceEntry,
    /// Folder in which the service writes.
    pub path: String,
    /// Servers it needs: `postgresql`, `redis`.
    pub servers: Vec<String>,
    /// Command of a foreign service; absent = our binary `hivematrix-<name>`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub start_command: Option<String>,
}

impl HelmEntry {
    /// Whether the service keeps data in PostgreSQL.
    #[must_use]
    pub fn needs_database(&self) -> bool {
        self.servers.iter().any(|server| server == "postgresql")
    }

    /// Whether the service keeps sessions in Redis.
    #[must_use]
    pub fn needs_redis(&self) -> bool {
        self.servers.iter().any(|server| server == "redis")
    }

    /// Whether all its instances run elsewhere: Helm watches them and starts nothing.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.service.urls.is_some()
    }
}

/// One entry of `master_services.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MasterEntry {
    /// Base URL.
    pub url: String,
    /// Where it listens.
    pub port: u16,
}

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

impl Registry {
    /// Generates the registry of a suite from the authority.
    ///
    /// # Errors
    /// When a port leaves the valid range.
    pub fn generate(apps: &AppsRegistry, addressing: Addressing) -> Result<Self, PortOutOfRange> {
        let mut named: Vec<(&String, &App)> = apps.core_apps.iter().chain(&apps.default_apps).collect();
        named.sort_by_key(|(name, _)| (panel_rank(name), (*name).clone()));
        let known: Vec<&String> = named.iter().map(|(name, _)| *name).collect();
        let mut entries = IndexMap::new();
        for (order, (name, app)) in (1u32..).zip(&named) {
            let port = match addressing.gateway_port {
                Some(port) if name.as_str() == "nexus" => port,
                _ => ports::shifted(app.port, addressing.offset)?,
            };
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
                start_order: app.install_order.unwrap_or(LATE),
                dependencies: app.dependencies.iter().filter(|d| known.contains(d)).cloned().collect(),
            };
            let servers = app
                .dependencies
                .iter()
                .filter(|d| apps.system_dependencies.contains_key(*d))
                .cloned()
                .collect();
            let path = app.path.clone().unwrap_or_else(|| (*name).clone());
            entries.insert(
                (*name).clone(),
                HelmEntry { service, path, servers, start_command: app.start_command.clone() },
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
mod tests {
    use super::*;

    fn authority() -> AppsRegistry {
        serde_json::from_str(include_str!("../../../../deploy/apps_registry.json")).unwrap()
    }

    #[test]
    fn the_committed_services_json_is_what_the_authority_generates() {
        let registry = Registry::generate(&authority(), Addressing::default()).unwrap();
        assert_eq!(
            include_str!("../../../../services.json"),
            registry.services_json(),
            "run `helm update-config --default` and commit services.json"
        );
    }

    #[test]
    fn the_offset_moves_every_port_but_an_explicit_gateway_port() {
        let addressing = Addressing { offset: 20_000, gateway_port: Some(9443) };
        let registry = Registry::generate(&authority(), addressing).unwrap();
        assert_eq!(registry.get("core").unwrap().service.url, "http://localhost:25000");
        assert_eq!(registry.get("nexus").unwrap().service.url, "https://localhost:9443");
        let shifted = Registry::generate(&authority(), Addressing { offset: 7, gateway_port: None }).unwrap();
        assert_eq!(shifted.get("nexus").unwrap().service.url, "https://localhost:8450");
    }

    #[test]
    fn the_files_are_in_side_panel_order_and_starts_in_start_order() {
        let registry = Registry::generate(&authority(), Addressing::default()).unwrap();
        assert_eq!(registry.names().collect::<Vec<_>>(), ["beacon", "codex", "helm", "core", "nexus"]);
        assert_eq!(registry.start_sequence(), ["helm", "core", "nexus", "codex", "beacon"]);
        assert_eq!(registry.predecessors("nexus"), ["helm", "core"]);
        assert_eq!(registry.predecessors("beacon"), ["codex", "helm", "core", "nexus"]);
    }

    #[test]
    fn a_guest_is_behind_the_gateway_and_nobody_supervises_it() {
        let registry = Registry::generate(&authority(), Addressing::default()).unwrap();
        let guest = registry.get("beacon").unwrap().service.clone();
        let registry = registry.with_guest("simulator", guest);
        let services: serde_json::Value = serde_json::from_str(&registry.services_json()).unwrap();
        assert_eq!(services["simulator"]["port"], 5001);
        assert!(registry.get("simulator").is_none() && !registry.helm_services_json().contains("simulator"));
    }

    #[test]
    fn servers_are_no_services_in_the_dependencies() {
        let registry = Registry::generate(&authority(), Addressing::default()).unwrap();
        assert_eq!(registry.get("codex").unwrap().service.dependencies, ["core"]);
    }

    #[test]
    fn services_of_one_start_order_do_not_wait_for_each_other_unless_they_depend() {
        let apps: AppsRegistry = serde_json::from_str(
            r#"{"default_apps": {
                "a": {"name": "A", "port": 1, "install_order": 5},
                "b": {"name": "B", "port": 2, "install_order": 5},
                "c": {"name": "C", "port": 3, "install_order": 5, "dependencies": ["b", "postgresql"]}}}"#,
        )
        .unwrap();
        let registry = Registry::generate(&apps, Addressing::default()).unwrap();
        assert_eq!(registry.predecessors("a"), Vec::<String>::new());
        assert_eq!(registry.predecessors("b"), Vec::<String>::new());
        assert_eq!(registry.predecessors("c"), ["b"]);
    }
}
