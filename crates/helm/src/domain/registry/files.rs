//! What stands in the registry files (platform.md §3.1, §3.2).

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::RUN_SCRIPT;

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
    /// Where its source is kept.
    pub git_url: Option<String>,
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
    /// The same by its name in the generated files; it wins.
    pub start_order: Option<u32>,
    /// Place in the side panel; those that name none come after them, in the order of the contract.
    pub order: Option<u32>,
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
    /// Folder of a foreign service, from the instance directory on.
    pub path: Option<String>,
    /// Python of a foreign service, from its folder on; with it `start_command` need not be written.
    pub python_bin: Option<String>,
    /// What that Python runs; `run.py` unless said otherwise.
    pub run_script: Option<String>,
}

impl App {
    /// How a foreign service is started; `None` for ours.
    #[must_use]
    pub fn command(&self) -> Option<String> {
        let script = self.run_script.as_deref().unwrap_or(RUN_SCRIPT);
        self.start_command.clone().or_else(|| Some(format!("{} {script}", self.python_bin.as_ref()?)))
    }
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
    /// Python of a foreign service, where it is one of upstream's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub python_bin: Option<String>,
    /// What that Python runs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run_script: Option<String>,
}

impl HelmEntry {
    /// Whether the service keeps data in PostgreSQL.
    #[must_use]
    pub fn needs_database(&self) -> bool {
        self.servers.iter().any(|server| server == "postgresql")
    }

    /// Whether the service names this server.
    #[must_use]
    pub fn needs(&self, server: &str) -> bool {
        self.servers.iter().any(|needed| needed == server)
    }

    /// Whether the service keeps sessions in Redis.
    #[must_use]
    pub fn needs_redis(&self) -> bool {
        self.servers.iter().any(|server| server == "redis")
    }

    /// Program and arguments of a foreign service in its folder: words, the first a program by its name, or by its path from
    /// the folder on (`pyenv/bin/python run.py`). `None` for ours.
    #[must_use]
    pub fn foreign_command(&self, folder: &Path) -> Option<(PathBuf, Vec<String>)> {
        let mut words = self.start_command.as_ref()?.split_whitespace();
        let program = words.next()?;
        let program = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
        Some((program, words.map(str::to_owned).collect()))
    }

    /// Whether all its instances run elsewhere: Helm watches them and starts nothing.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.service.urls.is_some()
    }
}

/// A base address whose host, where it is this machine, nobody has to look up: `localhost` may be `::1`, where no service listens.
#[must_use]
pub fn without_lookup(base: &str) -> String {
    base.replacen("://localhost:", "://127.0.0.1:", 1)
}

/// One entry of `master_services.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MasterEntry {
    /// Base URL.
    pub url: String,
    /// Where it listens.
    pub port: u16,
}
