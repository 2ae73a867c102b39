//! The kinds of parts, and to which of them a file of the instance belongs.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::{
    log_entry::is_service_name,
    private_files::{Content, content},
    update::{OFFER, UPDATE_FOLDER},
};

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Settings of the suite and of its services.
    Configuration,
    /// The keys that sign tokens.
    Keys,
    /// Passwords and secrets that were generated.
    Secrets,
    /// Certificates of the gateway and the local authority.
    Certificates,
    /// Uploads, exports and whatever else services keep in files.
    Files,
    /// What a service of the original suite keeps in its own folder, outside of the instance directory.
    Foreign,
    /// One database.
    Postgresql,
    /// Redis.
    Redis,
    /// Neo4j.
    Neo4j,
    /// The identity provider.
    Keycloak,
}

impl Kind {
    /// The kinds that are files below the instance directory, in the order they are saved: what opens the databases comes
    /// before the databases.
    pub const FILES: [Self; 5] =
        [Self::Configuration, Self::Keys, Self::Secrets, Self::Certificates, Self::Files];

    /// The word in manifests and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Keys => "keys",
            Self::Secrets => "secrets",
            Self::Certificates => "certificates",
            Self::Files => "files",
            Self::Foreign => "foreign",
            Self::Postgresql => "postgresql",
            Self::Redis => "redis",
            Self::Neo4j => "neo4j",
            Self::Keycloak => "keycloak",
        }
    }

    /// Whether the part is files.
    #[must_use]
    pub fn is_files(self) -> bool {
        self == Self::Foreign || Self::FILES.contains(&self)
    }
}

/// Folders of the instance directory that are saved in another way or not at all: the servers' own files, process logs,
/// archives, the simulated world of a demo, which is made anew, and a build that waits for `helm update`.
const OTHER_FOLDERS: [&str; 6] = ["postgres", "redis", "backups", "simulator", "scratch", UPDATE_FOLDER];
/// Folders of a service that hold what belongs to running processes.
const FLEETING: [&str; 3] = ["logs", "log-spool", "run"];
/// Generated from `apps_registry.json` at every start.
const GENERATED: [&str; 3] = ["services.json", "helm_services.json", "master_services.json"];
/// Folder below `helm` in which a restore works.
pub const RESTORE_FOLDER: &str = "restore";
/// The secret half of the key that opens archives: no archive holds its own key.
pub const IDENTITY_FILE: &str = "backup.identity";
/// What the shells gave that brought the running suite up. It ends with the suite.
pub const SHELL_FILE: &str = "shell.json";

/// Stands before the name of a service whose folder lies outside of the instance directory; no service and no server has it
/// in its name.
const OUTSIDE: char = '@';
/// What is saved of such a folder, beside its `.flaskenv`; the rest is its program.
const FOREIGN_FOLDERS: [&str; 3] = ["instance", "keys", "exports"];

/// What stands before the paths of a service's files that lie outside of the instance directory.
#[must_use]
pub fn outside(service: &str) -> PathBuf {
    PathBuf::from(format!("{OUTSIDE}{service}"))
}

/// The service of such a path, and the path from its folder on.
#[must_use]
pub fn service_outside(path: &Path) -> Option<(&str, &Path)> {
    let Component::Normal(first) = path.components().next()? else { return None };
    let service = first.to_str()?.strip_prefix(OUTSIDE)?;
    Some((service, path.strip_prefix(first).ok()?))
}

/// The name of the part with the files of a foreign service.
#[must_use]
pub fn foreign_part(service: &str) -> String {
    format!("{}/{service}", Kind::Foreign.as_str())
}

/// To which part the file at `path`, relative to the instance directory, belongs; `None` when it is not saved.
#[must_use]
pub fn kind_of(path: &Path) -> Option<Kind> {
    let mut names = Vec::new();
    for component in path.components() {
        let Component::Normal(name) = component else { return None };
        names.push(name.to_str()?);
    }
    let (name, folders) = names.split_last()?;
    let is_fleeting = name.ends_with(".lock") || name.ends_with(".sock") || name.contains(".new.");
    if is_fleeting {
        return None;
    }
    if let Some(service) = names[0].strip_prefix(OUTSIDE) {
        let is_kept = match folders.get(1) {
            None => folders.len() == 1 && *name == ".flaskenv",
            Some(folder) => FOREIGN_FOLDERS.contains(folder),
        };
        return (is_kept && is_service_name(service)).then_some(Kind::Foreign);
    }
    let Some((service, inner)) = folders.split_first() else {
        return (!GENERATED.contains(name)).then_some(Kind::Configuration);
    };
    if OTHER_FOLDERS.contains(service) || inner.first().is_some_and(|first| FLEETING.contains(first)) {
        return None;
    }
    match (*service, inner, *name) {
        ("helm", [RESTORE_FOLDER, ..], _) | ("helm", [], IDENTITY_FILE | SHELL_FILE) => None,
        ("helm", [folder, ..], _) if folder.starts_with(OFFER) => None,
        ("core", ["keys", ..], _) => Some(Kind::Keys),
        ("nexus", ["certs", ..], _) => Some(Kind::Certificates),
        ("helm", [] | ["configs"], name) | ("core", [], name) if content(name) == Some(Content::Secrets) => {
            Some(Kind::Secrets)
        }
        (_, [] | ["configs", ..], name) if is_setting(name) => Some(Kind::Configuration),
        _ => Some(Kind::Files),
    }
}

fn is_setting(name: &str) -> bool {
    let endings = [".conf", ".json", ".env", ".flaskenv", ".toml", ".yaml", ".yml", ".recipients"];
    endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_part() {
        let table = [
            ("settings.env", Some(Kind::Configuration)),
            ("apps_registry.json", Some(Kind::Configuration)),
            ("master_config.json", Some(Kind::Configuration)),
            ("services.json", None),
            ("helm_services.json", None),
            ("codex/codex.conf", Some(Kind::Configuration)),
            ("helm/instance.json", Some(Kind::Configuration)),
            ("helm/configs/master_config.json", Some(Kind::Configuration)),
            ("helm/backup.recipients", Some(Kind::Configuration)),
            ("helm/backup.identity", None),
            ("helm/shell.json", None),
            ("helm/secrets.json", Some(Kind::Secrets)),
            ("helm/configs/master_secrets.json", Some(Kind::Secrets)),
            ("helm/servers.json", Some(Kind::Secrets)),
            ("update/hivematrix-codex", None),
            ("update/deploy/services.json", None),
            ("helm/offer.4711/helm", None),
            ("core/service_secrets.json", Some(Kind::Secrets)),
            ("core/admin_password", Some(Kind::Secrets)),
            ("core/keys/jwt_private.pem", Some(Kind::Keys)),
            ("core/keys/previous/1.pem", Some(Kind::Keys)),
            ("nexus/certs/nexus.key", Some(Kind::Certificates)),
            ("knowledgetree/uploads/ab/plan.pdf", Some(Kind::Files)),
            ("knowledgetree/uploads/notes.json", Some(Kind::Files)),
            ("ledger/exports/a.csv", Some(Kind::Files)),
            ("postgres/data/PG_VERSION", None),
            ("redis/redis.conf", None),
            ("backups/last.json", None),
            ("codex/logs/codex.stderr.log", None),
            ("codex/log-spool/1", None),
            ("helm/run/codex.json", None),
            ("helm/restore/journal.json", None),
            ("helm/daemon.lock", None),
            ("helm/control.sock", None),
            ("codex/codex.conf.new.123", None),
            ("@ledger/.flaskenv", Some(Kind::Foreign)),
            ("@ledger/instance/ledger.conf", Some(Kind::Foreign)),
            ("@ledger/exports/csv/a.csv", Some(Kind::Foreign)),
            ("@ledger/run.py", None),
            ("@ledger/pyenv/bin/python", None),
            ("@ledger/instance", None),
            ("@Led ger/.flaskenv", None),
            ("@/.flaskenv", None),
            ("@ledger", None),
            ("@ledger/../x", None),
            ("../etc/passwd", None),
            ("/etc/passwd", None),
            ("", None),
        ];
        for (path, expected) in table {
            assert_eq!(kind_of(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_path_outside_names_its_service() {
        let path = outside("ledger").join("instance/ledger.conf");
        assert_eq!(service_outside(&path), Some(("ledger", Path::new("instance/ledger.conf"))));
        for path in ["ledger/ledger.conf", "/etc/passwd", "../@ledger/x", ""] {
            assert_eq!(service_outside(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn kinds_are_written_as_they_are_named() {
        for kind in [Kind::Configuration, Kind::Postgresql, Kind::Neo4j, Kind::Keycloak] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
