//! Archives of the original suite (`.zip`, helm.md §10): its databases and settings are taken over, the rest is named.
//!
//! Its tables are not ours: where a service of ours is, the original's database comes beside it, for the import; where the
//! original's own service runs in a mixed suite, it takes its place. They are plain SQL without checksums, which is loaded in a cluster
//! of its own first ([`super::detour`]), and nothing in it can make `psql` run a program.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use zip::ZipArchive;

use super::{
    plan::{Selection, Step},
    psql,
    their_config::{Left, PLACE, taken_over},
    theirs::Theirs,
};
use crate::{
    domain::backup::{
        bytes_text,
        manifest::DatabaseFacts,
        parts::{Kind, kind_of, service_outside},
    },
    instance::files::{private_dir, write_private, write_public},
};

/// Ending of the name of a database that came from the original.
pub const ORIGINAL: &str = "_original";
/// A settings or key file is never longer.
const LONGEST_FILE: u64 = 4 << 20;

/// An archive of the original suite that was found whole.
#[derive(Debug)]
pub struct Zip {
    path: PathBuf,
    entries: Vec<String>,
    /// Services of the original that run in this suite.
    theirs: Theirs,
    /// What of its master configuration does not hold here.
    left: Left,
}

impl Zip {
    /// Reads the whole archive, which checks every entry against its checksum.
    ///
    /// # Errors
    /// When it is no zip, damaged, or holds nothing of the suite.
    pub fn open(path: &Path, theirs: Theirs, uses_keycloak: bool) -> Result<Self> {
        let open = || -> Result<Vec<String>> {
            let mut zip = archive(path)?;
            let mut entries = Vec::new();
            for index in 0..zip.len() {
                let mut entry = zip.by_index(index).map_err(|error| anyhow!("it is damaged: {error}"))?;
                io::copy(&mut entry, &mut io::sink()).map_err(|error| anyhow!("it is damaged: {error}"))?;
                if entry.is_file() {
                    let name = entry.name().map_err(|error| anyhow!("it is damaged: {error}"))?;
                    entries.push(name.into_owned());
                }
            }
            Ok(entries)
        };
        let entries = open().with_context(|| format!("{} cannot be used", path.display()))?;
        let left = Left { keycloak: !uses_keycloak, neo4j: !theirs.run("knowledgetree") };
        let zip = Self { path: path.to_owned(), entries, theirs, left };
        if zip.databases().is_empty() && zip.files().next().is_none() {
            bail!("{} holds no backup of this suite", path.display());
        }
        Ok(zip)
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The databases in it; nothing is known of them but their names.
    #[must_use]
    pub fn databases(&self) -> Vec<(String, DatabaseFacts)> {
        let named = self.entries.iter().filter_map(|entry| {
            let database = entry.strip_prefix("postgresql/")?.strip_suffix(".sql")?;
            let service = database.strip_suffix("_db")?;
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            (!service.is_empty() && service.chars().all(is_plain)).then(|| (entry.clone(), facts(service)))
        });
        named.collect()
    }

    /// The name under which the original's database comes beside that of our own service.
    #[must_use]
    pub fn beside(&self, service: &str) -> Option<String> {
        (!self.theirs.run(service)).then(|| format!("{service}_db{ORIGINAL}"))
    }

    /// The services of the original that run here.
    #[must_use]
    pub fn theirs(&self) -> &Theirs {
        &self.theirs
    }

    /// Entries that are files of an instance, with their places.
    fn files(&self) -> impl Iterator<Item = (&str, PathBuf)> {
        self.entries.iter().filter_map(|entry| Some((entry.as_str(), place_of(entry, &self.theirs)?)))
    }

    /// What a restore of it would do.
    ///
    /// # Errors
    /// When nothing of what is wanted is in it or can be taken over.
    pub fn plan(&self, selection: &Selection) -> Result<Vec<Step>> {
        selection.check(self.entries.iter().map(String::as_str))?;
        let mut steps = Vec::new();
        for (part, facts) in self.databases() {
            if selection.takes(Kind::Postgresql, &part) {
                let action = match self.beside(&facts.service) {
                    Some(name) => format!("load it beside the suite's own, as {name}"),
                    None => format!("replace the database of {}", facts.service),
                };
                steps.push(Step { part, action, restored: true });
            }
        }
        for (entry, place) in self.files() {
            if wants(selection, entry, &place) {
                let action = match service_outside(&place) {
                    Some((service, inner)) => {
                        let folder = self.theirs.folder(service).unwrap_or(Path::new(service));
                        format!("write {}", folder.join(inner).display())
                    }
                    None if place == Path::new(PLACE) => format!("write {PLACE}, {}", self.left.words()),
                    None => format!("write {}", place.display()),
                };
                steps.push(Step { part: entry.to_owned(), action, restored: true });
            }
        }
        let left = [
            (
                "redis/",
                Kind::Redis,
                "left out: it holds sessions only, and a session that ended must not come back",
            ),
            ("neo4j/", Kind::Neo4j, "left out: load it with neo4j-admin"),
            ("keycloak/", Kind::Keycloak, "left out: Keycloak is a server of its own; unpack it there"),
            ("configs/apps_registry.json", Kind::Configuration, "left out: this suite has its own registry"),
        ];
        for (beginning, kind, action) in left {
            let part = beginning.trim_end_matches('/').to_owned();
            if selection.takes(kind, &part) && self.entries.iter().any(|entry| entry.starts_with(beginning)) {
                steps.push(Step { part, action: action.to_owned(), restored: false });
            }
        }
        if !steps.iter().any(|step| step.restored) {
            let reasons: Vec<String> =
                steps.iter().map(|step| format!("{}: {}", step.part, step.action)).collect();
            bail!("the archive holds nothing of that that can be restored ({})", reasons.join("; "));
        }
        Ok(steps)
    }

    /// Unpacks settings and keys below `folder` and names them.
    ///
    /// # Errors
    /// When the archive or the disk fails.
    pub fn unpack(&self, selection: &Selection, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut zip = archive(&self.path)?;
        let mut unpacked = Vec::new();
        for (entry, place) in self.files().filter(|(entry, place)| wants(selection, entry, place)) {
            let mut content = Vec::new();
            let reader = zip.by_name(entry).map_err(|error| anyhow!("{entry} is damaged: {error}"))?;
            reader
                .take(LONGEST_FILE + 1)
                .read_to_end(&mut content)
                .with_context(|| format!("{entry} is damaged"))?;
            if content.len() as u64 > LONGEST_FILE {
                bail!("{entry} is longer than {}: it is no settings or key file", bytes_text(LONGEST_FILE));
            }
            let target = folder.join(&place);
            private_dir(target.parent().unwrap_or(folder))?;
            if place.extension().is_some_and(|ending| ending == "conf") {
                content = without_databases(&String::from_utf8_lossy(&content)).into_bytes();
            }
            if place == Path::new(PLACE) {
                content = taken_over(&content, self.left)?;
            }
            let is_public = place.file_name().is_some_and(|name| name == "jwt_public.pem");
            if is_public { write_public(&target, &content) } else { write_private(&target, &content) }?;
            unpacked.push(place);
        }
        Ok(unpacked)
    }

    /// Loads one of its databases into the empty one at `url`, with `psql`.
    ///
    /// # Errors
    /// When the archive cannot be read or the server refuses a statement.
    pub fn load(&self, part: &str, url: &str) -> Result<()> {
        let mut zip = archive(&self.path)?;
        let entry = zip.by_name(part).map_err(|error| anyhow!("{part} is damaged: {error}"))?;
        psql::load(entry, url).with_context(|| format!("{part} cannot be loaded"))
    }
}

fn archive(path: &Path) -> Result<ZipArchive<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| anyhow!("it is no zip, or damaged: {error}"))
}

/// Where a file of the archive belongs below the instance directory.
fn place_of(entry: &str, theirs: &Theirs) -> Option<PathBuf> {
    let inside = entry.strip_prefix("configs/")?;
    let is_plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    if inside == "master_config.json" {
        return Some(PathBuf::from(PLACE));
    }
    if let Some(name) = inside.strip_prefix("core_keys/") {
        return is_plain(name).then(|| Path::new("core/keys").join(name));
    }
    let name = inside.strip_prefix("service_configs/")?;
    let service = name.strip_suffix(".conf").filter(|service| is_plain(service))?;
    Some(theirs.conf(service))
}

fn wants(selection: &Selection, entry: &str, place: &Path) -> bool {
    match kind_of(place) {
        // Settings of a service, wherever that lies.
        Some(Kind::Foreign | Kind::Files) => selection.takes(Kind::Configuration, entry),
        Some(kind) => selection.takes(kind, entry),
        None => false,
    }
}

fn facts(service: &str) -> DatabaseFacts {
    DatabaseFacts {
        service: service.to_owned(),
        database: format!("{service}_db"),
        owner: format!("{service}_user"),
        encoding: "UTF8".into(),
        collate: "C.UTF-8".into(),
        ctype: "C.UTF-8".into(),
        server: 0,
        migration: None,
        grants: Vec::new(),
        settings: Vec::new(),
        roles: Vec::new(),
        tables: Vec::new(),
        unread: Vec::new(),
    }
}

/// A service's settings without the address of its former database: it is in this suite's server now.
fn without_databases(conf: &str) -> String {
    let mut kept = String::new();
    let mut is_left_out = false;
    for line in conf.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            is_left_out = ["[database]", "[database_credentials]"].contains(&trimmed);
        }
        if !is_left_out {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_places_and_none_outside_the_instance() {
        let table = [
            ("configs/master_config.json", Some("helm/configs/master_config.json")),
            ("configs/core_keys/jwt_private.pem", Some("core/keys/jwt_private.pem")),
            ("configs/service_configs/codex.conf", Some("codex/codex.conf")),
            ("configs/apps_registry.json", None),
            ("configs/core_keys/../../x", None),
            ("configs/service_configs/../../etc/x.conf", None),
            ("configs/service_configs/.conf", None),
            ("postgresql/codex_db.sql", None),
        ];
        for (entry, expected) in table {
            assert_eq!(place_of(entry, &Theirs::default()).as_deref(), expected.map(Path::new), "{entry}");
        }
    }

    #[test]
    fn settings_come_without_the_former_database() {
        let conf = "[database]\nconnection_string = postgresql://u:p@h/d\n[vendor]\nkey = 1\n[database_credentials]\ndb_user = x\n";
        assert_eq!(without_databases(conf), "[vendor]\nkey = 1\n");
    }
}
