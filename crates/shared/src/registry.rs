//! `services.json`, the registry every service reads (platform.md §3.2): addresses, side-panel entries, who may open what.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::auth::PermissionLevel;

const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// All services in the order of the file, which is the order of the side panel.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Registry(pub IndexMap<String, ServiceEntry>);

/// One service. Members beyond upstream's are optional and ignored by upstream's readers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ServiceEntry {
    /// Base URL without a trailing slash; the first of `urls`.
    pub url: String,
    /// All instances, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Has a side-panel entry and may be a start page.
    #[serde(default = "yes")]
    pub visible: bool,
    /// For `admin` only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub admin_only: bool,
    /// For `admin` and `billing` only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub billing_or_admin_only: bool,
    /// `compat` for pages of upstream's services, which need a looser content security policy; absent = strict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<String>,
    /// Seconds the gateway waits for a sign of life from the service, by path below its prefix: the longest beginning that
    /// fits counts, `/` is every path. Absent = the gateway's own limit.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub timeouts: IndexMap<String, u64>,
    /// Port the service listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Display name; absent = the name in title case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Icon name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Place in the side panel; absent = file order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    /// Place in the start order; services of equal value start together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_order: Option<u32>,
    /// Names of services and servers this one needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
    /// Levels that may open the service; absent = all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<Vec<PermissionLevel>>,
    /// How Helm starts a foreign service in its folder; absent = our own binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_command: Option<String>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

impl ServiceEntry {
    /// A visible service at `url` with nothing else set.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            urls: Vec::new(),
            visible: true,
            admin_only: false,
            billing_or_admin_only: false,
            pages: None,
            timeouts: IndexMap::new(),
            port: None,
            title: None,
            icon: None,
            order: None,
            start_order: None,
            dependencies: Vec::new(),
            levels: None,
            start_command: None,
        }
    }

    /// The base URLs of all instances, at least one.
    pub fn instances(&self) -> &[String] {
        if self.urls.is_empty() { std::slice::from_ref(&self.url) } else { &self.urls }
    }

    /// Whether a level may open the service: menu, start page and proxy alike.
    pub fn allows(&self, level: PermissionLevel) -> bool {
        (!self.admin_only || level == PermissionLevel::Admin)
            && (!self.billing_or_admin_only
                || matches!(level, PermissionLevel::Admin | PermissionLevel::Billing))
            && self.levels.as_ref().is_none_or(|levels| levels.contains(&level))
    }

    /// The display name.
    pub fn title(&self, name: &str) -> String {
        self.title.clone().unwrap_or_else(|| {
            let mut letters = name.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        })
    }

    /// The limit of `timeouts` for a path below the service's prefix, if one fits.
    pub fn timeout(&self, path: &str) -> Option<Duration> {
        let fits = |beginning: &str| {
            let rest = path.strip_prefix(beginning.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let longest = self.timeouts.iter().filter(|(path, _)| fits(path)).max_by_key(|(path, _)| path.len());
        longest.map(|(_, seconds)| Duration::from_secs((*seconds).max(1)))
    }

    /// Whether the pages come from upstream and need the looser policy.
    pub fn has_compat_pages(&self) -> bool {
        self.pages.as_deref() == Some("compat")
    }
}

/// A registry that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The file is missing or unreadable.
    #[error("cannot read the registry {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The content is no registry.
    #[error("the registry {path} is not valid: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

impl Registry {
    /// Reads a registry file.
    pub fn read(path: &Path) -> Result<Self, RegistryError> {
        let text =
            std::fs::read(path).map_err(|source| RegistryError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&text).map_err(|source| RegistryError::Parse { path: path.to_owned(), source })
    }

    /// The entry of a service.
    pub fn get(&self, name: &str) -> Option<&ServiceEntry> {
        self.0.get(name)
    }

    /// All names in file order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The entries a level sees in the side panel, in its order.
    pub fn menu(&self, level: PermissionLevel) -> Vec<(&str, &ServiceEntry)> {
        let mut entries: Vec<_> = self
            .0
            .iter()
            .filter(|(_, entry)| entry.visible && entry.allows(level))
            .map(|(name, entry)| (name.as_str(), entry))
            .collect();
        entries.sort_by_key(|(_, entry)| entry.order.unwrap_or(u32::MAX));
        entries
    }
}

/// The current registry, reloaded when its file changes; a broken file leaves the last good one in place.
#[derive(Clone, Debug)]
pub struct RegistryHandle {
    path: Arc<PathBuf>,
    current: Arc<ArcSwap<Registry>>,
}

impl RegistryHandle {
    /// A handle on a file; a missing or broken one gives an empty registry and a warning.
    pub fn open(path: PathBuf) -> Self {
        let registry = Registry::read(&path).unwrap_or_else(|error| {
            tracing::warn!(error = %error, "starting with an empty registry");
            Registry::default()
        });
        Self { path: Arc::new(path), current: Arc::new(ArcSwap::from_pointee(registry)) }
    }

    /// A handle on a registry in memory.
    pub fn of(registry: Registry) -> Self {
        Self { path: Arc::default(), current: Arc::new(ArcSwap::from_pointee(registry)) }
    }

    /// The registry now.
    pub fn load(&self) -> Arc<Registry> {
        self.current.load_full()
    }

    /// Watches the file until `shutdown`.
    pub async fn watch(self, shutdown: CancellationToken) {
        let mut seen = self.stamp();
        while shutdown.run_until_cancelled(tokio::time::sleep(CHECK_INTERVAL)).await.is_some() {
            let now = self.stamp();
            if now == seen {
                continue;
            }
            seen = now;
            match Registry::read(&self.path) {
                Ok(registry) => {
                    tracing::info!(services = registry.0.len(), "the registry was reloaded");
                    self.current.store(Arc::new(registry));
                }
                Err(error) => {
                    tracing::warn!(error = %error, "the registry changed but cannot be used, keeping the last one")
                }
            }
        }
    }

    fn stamp(&self) -> Option<(SystemTime, u64)> {
        let metadata = std::fs::metadata(self.path.as_path()).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(text: &str) -> Registry {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn upstreams_registry_is_read_and_unknown_members_are_ignored() {
        let registry = registry(
            r#"{"beacon":{"url":"http://localhost:5001","visible":true,"python_bin":"x"},
                "helm":{"url":"http://localhost:5004","visible":true,"admin_only":true},
                "nexus":{"url":"https://localhost:443","visible":false}}"#,
        );
        assert_eq!(registry.names().collect::<Vec<_>>(), ["beacon", "helm", "nexus"]);
        assert_eq!(registry.get("beacon").unwrap().title("beacon"), "Beacon");
    }

    #[test]
    fn the_longest_beginning_of_a_path_says_how_long_it_may_take() {
        let registry = registry(
            r#"{"helm":{"url":"h","timeouts":{"/":60,"/api/backup":600,"/api/backup/list/":5,"/api/none":0}},"core":{"url":"c"}}"#,
        );
        let helm = registry.get("helm").unwrap();
        for (path, seconds) in [
            ("/", 60),
            ("/api/backups", 60),
            ("/api/backup", 600),
            ("/api/backup/now", 600),
            ("/api/backup/list", 5),
            ("/api/none", 1),
        ] {
            assert_eq!(helm.timeout(path), Some(Duration::from_secs(seconds)), "{path}");
        }
        assert_eq!(registry.get("core").unwrap().timeout("/"), None);
    }

    #[test]
    fn the_menu_of_a_level_has_what_it_may_open_in_panel_order() {
        use PermissionLevel::{Admin, Billing, Client, Technician};
        let registry = registry(
            r#"{"codex":{"url":"c","order":4},"helm":{"url":"h","admin_only":true,"order":6},
                "ledger":{"url":"l","billing_or_admin_only":true,"order":5},
                "beacon":{"url":"b","levels":["admin","technician","billing"],"order":1},
                "core":{"url":"o","visible":false}}"#,
        );
        for (level, expected) in [
            (Admin, &["beacon", "codex", "ledger", "helm"][..]),
            (Billing, &["beacon", "codex", "ledger"]),
            (Technician, &["beacon", "codex"]),
            (Client, &["codex"]),
        ] {
            let menu: Vec<_> = registry.menu(level).into_iter().map(|(name, _)| name).collect();
            assert_eq!(menu, expected, "{level}");
        }
    }
}
