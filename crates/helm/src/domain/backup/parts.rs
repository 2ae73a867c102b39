//! The kinds of parts, and to which of them a file of the instance belongs.

use std::{
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

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
    /// The kinds that are files below the instance directory. All but the last are small and saved first: what opens the
    /// databases comes before the databases, and what may be long comes after them.
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

    /// Whether each service has a part of its own: one that spoils its files while they are read spoils nobody else's.
    fn is_by_service(self) -> bool {
        matches!(self, Self::Configuration | Self::Files | Self::Foreign)
    }

    /// The service of the part of this name, where it is of one.
    #[must_use]
    pub fn service_of(self, part: &str) -> Option<&str> {
        let service = part.strip_prefix(self.as_str())?.strip_prefix('/')?;
        (self.is_by_service() && is_service_name(service)).then_some(service)
    }
}

/// Folders of the instance directory that are saved in another way or not at all: the servers' own files, process logs,
/// archives, the simulated world of a demo, which is made anew, and a build that waits for `helm update`.
const OTHER_FOLDERS: [&str; 7] =
    ["postgres", "redis", "neo4j", "backups", "simulator", "scratch", UPDATE_FOLDER];
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
pub const FOREIGN_FOLDERS: [&str; 3] = ["instance", "keys", "exports"];

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

/// The kind and the name of the part to which the file at `path` belongs; `None` when it is not saved. What lies in no
/// service's folder is in the part that is named after its kind.
#[must_use]
pub fn part_of(path: &Path) -> Option<(Kind, String)> {
    let kind = kind_of(path)?;
    let mut names = path.iter().filter_map(OsStr::to_str);
    let service = match kind {
        Kind::Foreign => service_outside(path).map(|(service, _)| service),
        // With a name in it.
        _ => names.next().filter(|_| names.next().is_some()),
    };
    let name = match service.filter(|service| kind.is_by_service() && is_service_name(service)) {
        Some(service) => format!("{}/{service}", kind.as_str()),
        None => kind.as_str().to_owned(),
    };
    Some((kind, name))
}

/// Whether a path is deeper or longer than what is saved: it must be possible to write it again, below any folder.
#[must_use]
pub fn is_too_deep(path: &Path) -> bool {
    const DEEPEST: usize = 64;
    const LONGEST: usize = 3500;
    path.as_os_str().len() > LONGEST || path.components().nth(DEEPEST).is_some()
}

/// What is written before it takes its place: `<name>.new.<process>`, and the number of the writer in it.
fn is_temporary(name: &str) -> bool {
    let Some((_, numbers)) = name.rsplit_once(".new.") else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (process, writer) = numbers.split_once('.').unwrap_or((numbers, "0"));
    is_number(process) && is_number(writer)
}

/// To which kind the file at `path`, relative to the instance directory, belongs; `None` when it is not saved.
#[must_use]
pub fn kind_of(path: &Path) -> Option<Kind> {
    let mut names = Vec::new();
    for component in path.components() {
        let Component::Normal(name) = component else { return None };
        names.push(name.to_str()?);
    }
    let (name, folders) = names.split_last()?;
    // Only where ours lie: the uploads of a service may have any name.
    let is_ours = matches!(folders.first(), None | Some(&("helm" | "core")));
    let is_fleeting = is_ours && (name.ends_with(".lock") || name.ends_with(".sock"));
    if is_fleeting || is_temporary(name) {
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
            ("neo4j/data/databases/neo4j/neostore", None),
            ("backups/last.json", None),
            ("codex/logs/codex.stderr.log", None),
            ("codex/log-spool/1", None),
            ("helm/run/codex.json", None),
            ("helm/restore/journal.json", None),
            ("helm/daemon.lock", None),
            ("helm/control.sock", None),
            ("core/keys/jwt_keys.lock", None),
            ("codex/codex.conf.new.123", None),
            ("codex/codex.conf.new.123.4", None),
            ("codex/exports/prices.new.csv", Some(Kind::Files)),
            ("codex/exports/prices.new.2025.csv", Some(Kind::Files)),
            ("codex/exports/a.new.1.2.3", Some(Kind::Files)),
            ("codex/uploads/poetry.lock", Some(Kind::Files)),
            ("codex/uploads/x.sock", Some(Kind::Files)),
            ("@brainhair/instance/poetry.lock", Some(Kind::Foreign)),
            ("@brainhair/.flaskenv", Some(Kind::Foreign)),
            ("@brainhair/instance/brainhair.conf", Some(Kind::Foreign)),
            ("@brainhair/exports/csv/a.csv", Some(Kind::Foreign)),
            ("@brainhair/run.py", None),
            ("@brainhair/pyenv/bin/python", None),
            ("@brainhair/instance", None),
            ("@Led ger/.flaskenv", None),
            ("@/.flaskenv", None),
            ("@brainhair", None),
            ("@brainhair/../x", None),
            ("../etc/passwd", None),
            ("/etc/passwd", None),
            ("", None),
        ];
        for (path, expected) in table {
            assert_eq!(kind_of(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn each_service_has_its_own_part_of_settings_and_files() {
        let table = [
            ("settings.env", "configuration"),
            ("codex/codex.conf", "configuration/codex"),
            ("codex/uploads/a.pdf", "files/codex"),
            ("codex/a.pdf", "files/codex"),
            ("Old papers/a.pdf", "files"),
            ("core/keys/jwt_private.pem", "keys"),
            ("helm/secrets.json", "secrets"),
            ("@brainhair/keys/vendor.pem", "foreign/brainhair"),
        ];
        for (path, name) in table {
            let (kind, found) = part_of(Path::new(path)).unwrap();
            assert_eq!(found, name, "{path}");
            assert_eq!(kind.service_of(name), name.split_once('/').map(|(_, service)| service));
        }
        for (kind, name) in [(Kind::Keys, "keys/core"), (Kind::Files, "files/../x"), (Kind::Files, "files")] {
            assert_eq!(kind.service_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_path_that_could_not_be_written_again_is_too_deep() {
        let deep = |levels: usize| PathBuf::from("d/".repeat(levels) + "file");
        assert!(!is_too_deep(&deep(63)) && is_too_deep(&deep(64)));
        assert!(is_too_deep(&PathBuf::from(format!("codex/{}", "x".repeat(3500)))));
    }

    #[test]
    fn a_path_outside_names_its_service() {
        let path = outside("brainhair").join("instance/brainhair.conf");
        assert_eq!(service_outside(&path), Some(("brainhair", Path::new("instance/brainhair.conf"))));
        for path in ["brainhair/brainhair.conf", "/etc/passwd", "../@brainhair/x", ""] {
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
