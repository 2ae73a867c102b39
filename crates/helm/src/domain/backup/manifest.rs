//! The last entry of an archive: what should be in it, what is, and by which checksums that is known.

use std::{collections::BTreeSet, path::Path};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use super::facts::{DatabaseFacts, Grant, TableFacts, differences};
use super::{
    graph::{self, GraphFacts},
    parts::{Kind, part_of},
};
use crate::domain::log_entry::is_service_name;

/// The form of the archive that this program writes and the newest it reads. Before the second, all services shared the
/// parts `configuration` and `files`.
pub const FORMAT: u32 = 2;

/// What stands at the beginning of an archive, so that a reader need not come to its end to know that it is too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// Version of the suite that wrote it.
    pub suite: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
}

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The same as at its beginning.
    #[serde(flatten)]
    pub header: Header,
    /// When its last part was saved.
    pub finished_at: DateTime<Utc>,
    /// Everything that was expected, saved or not.
    pub parts: Vec<Part>,
}

impl Manifest {
    /// Whether nothing is missing that should be there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }

    /// What should be there and is not.
    pub fn missing(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.state == State::Missing)
    }

    /// Looks whether it says only what a writer of ours would say: whoever knows a public key can make an archive, and names of
    /// parts and of files become paths.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for part in self.saved() {
            if !names.insert(&part.name) {
                return Err(format!("its part {} is there twice", part.name));
            }
            part.check()?;
        }
        Ok(())
    }

    /// Whether a file of this part that the archive does not hold was not there: it has the part, or, where nothing is known of
    /// that, the one of its kind.
    #[must_use]
    pub fn is_whole(&self, kind: Kind, part: &str) -> bool {
        let state = |name: &str| self.parts.iter().find(|part| part.name == name).map(|part| part.state);
        state(part).or_else(|| state(kind.as_str())) == Some(State::Saved)
    }

    /// What is there.
    pub fn saved(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.state == State::Saved)
    }
}

/// One part of a suite's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name in the archive: `keys`, `postgresql/codex_db`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// What became of it.
    pub state: State,
    /// Why it is not there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Bytes in the archive, as they were before encryption.
    #[serde(default)]
    pub bytes: u64,
    /// SHA-256 of those bytes in hex; empty when it is not there.
    #[serde(default)]
    pub sha256: String,
    /// The files of it, by path below the instance directory; those of a foreign service by its name and the path below its
    /// folder.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub files: Vec<FileFacts>,
    /// The database of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub database: Option<DatabaseFacts>,
    /// The graph of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub graph: Option<GraphFacts>,
}

impl Part {
    /// A part that is not in the archive.
    #[must_use]
    pub fn absent(name: impl Into<String>, kind: Kind, state: State, reason: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            state,
            reason: Some(reason.into()),
            bytes: 0,
            sha256: String::new(),
            files: Vec::new(),
            database: None,
            graph: None,
        }
    }

    /// The service whose own folder this part holds.
    #[must_use]
    pub fn foreign_service(&self) -> Option<&str> {
        self.kind.service_of(&self.name).filter(|_| self.kind == Kind::Foreign)
    }

    fn check(&self) -> Result<(), String> {
        let is_right = match (&self.database, &self.graph) {
            (None, Some(_)) => {
                self.kind == Kind::Neo4j && graph::is_part(&self.name) && self.files.is_empty()
            }
            (Some(_), Some(_)) => false,
            (None, None) => {
                let is_of_all = self.name == self.kind.as_str() && self.kind != Kind::Foreign;
                self.kind.is_files() && (is_of_all || self.kind.service_of(&self.name).is_some())
            }
            (Some(facts), None) => {
                self.kind == Kind::Postgresql
                    && self.name == database_part(&facts.database)
                    && is_service_name(&facts.service)
                    && self.files.is_empty()
            }
        };
        if !is_right {
            return Err(format!("it holds the unknown part {}", self.name));
        }
        match self.files.iter().find(|file| !self.holds(Path::new(&file.path))) {
            Some(file) => Err(format!("its part {} holds the unexpected file {}", self.name, file.path)),
            None => Ok(()),
        }
    }

    /// Whether the file at `path` may be in it: it is of its kind, and of its service where it is of one.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        let is_of_all = self.name == self.kind.as_str();
        part_of(path).is_some_and(|(kind, name)| kind == self.kind && (is_of_all || name == self.name))
    }
}

/// The name of a database's part.
#[must_use]
pub fn database_part(database: &str) -> String {
    format!("postgresql/{database}")
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is in the archive.
    Saved,
    /// The suite does not use it.
    NotUsed,
    /// It is in use and on purpose not in the archive.
    LeftOut,
    /// It should be in the archive and is not.
    Missing,
}

impl State {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::NotUsed => "not used",
            Self::LeftOut => "left out",
            Self::Missing => "missing",
        }
    }
}

/// One file of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Path below the instance directory.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content in hex.
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(parts: Vec<Part>) -> Manifest {
        let header =
            Header { format: FORMAT, suite: "1".into(), created_at: "2025-11-22T02:00:00Z".parse().unwrap() };
        let finished_at = header.created_at;
        Manifest { header, finished_at, parts }
    }

    fn saved(name: &str, kind: Kind, paths: &[&str]) -> Part {
        let file = |path: &&str| FileFacts {
            path: (*path).to_owned(),
            mode: 0o600,
            bytes: 1,
            sha256: String::new(),
        };
        Part { files: paths.iter().map(file).collect(), ..Part::absent(name, kind, State::Saved, "") }
    }

    fn database(name: &str, database: &str, service: &str) -> Part {
        let facts = serde_json::json!({
            "service": service, "database": database, "owner": "x", "encoding": "UTF8", "collate": "C", "ctype": "C",
            "server": 150_000, "migration": null, "grants": [], "settings": [], "roles": [], "tables": []
        });
        let database = Some(serde_json::from_value(facts).unwrap());
        Part { database, ..saved(name, Kind::Postgresql, &[]) }
    }

    #[test]
    fn names_of_parts_and_files_cannot_be_other_paths() {
        let right = [
            saved("keys", Kind::Keys, &["core/keys/jwt_private.pem"]),
            saved("files", Kind::Files, &["codex/up/a.pdf"]),
            database("postgresql/codex_db", "codex_db", "codex"),
            saved("files/codex", Kind::Files, &["codex/up/b.pdf"]),
            saved("configuration/codex", Kind::Configuration, &["codex/codex.conf"]),
            saved(
                "foreign/brainhair",
                Kind::Foreign,
                &["@brainhair/.flaskenv", "@brainhair/instance/brainhair.conf"],
            ),
        ];
        assert_eq!(manifest(right.to_vec()).check(), Ok(()));
        let wrong = [
            saved("/etc/x", Kind::Files, &[]),
            saved("../files", Kind::Files, &[]),
            saved("keys", Kind::Files, &["codex/up/a.pdf"]),
            saved("files", Kind::Files, &["../../../etc/cron.d/x"]),
            saved("files", Kind::Files, &["/etc/cron.d/x"]),
            saved("files", Kind::Files, &["codex/../../x"]),
            saved("files", Kind::Files, &["core/keys/jwt_private.pem"]),
            saved("files", Kind::Files, &["@brainhair/.flaskenv"]),
            saved("foreign/brainhair", Kind::Foreign, &["@codex/.flaskenv"]),
            saved("foreign/brainhair", Kind::Foreign, &["@brainhair/run.py"]),
            saved("foreign/brainhair", Kind::Foreign, &["@brainhair/instance/../../x"]),
            saved("foreign/brainhair", Kind::Foreign, &["brainhair/brainhair.conf"]),
            saved("foreign", Kind::Foreign, &[]),
            saved("foreign/../x", Kind::Foreign, &[]),
            saved("files/../x", Kind::Files, &[]),
            saved("files/codex", Kind::Files, &["core/up/a.pdf"]),
            saved("files/codex", Kind::Configuration, &[]),
            saved("keys/core", Kind::Keys, &[]),
            saved("redis", Kind::Redis, &["../../../etc/cron.d/x"]),
            saved("redis", Kind::Redis, &[]),
            saved("postgresql/codex_db", Kind::Postgresql, &[]),
            database("postgresql/../x", "codex_db", "codex"),
            database("postgresql/codex_db", "codex_db", "../codex"),
            Part { kind: Kind::Files, ..database("files", "codex_db", "codex") },
            Part { files: right[1].files.clone(), ..right[2].clone() },
        ];
        for part in wrong {
            assert!(manifest(vec![part.clone()]).check().is_err(), "{part:?}");
        }
        assert!(manifest(vec![right[0].clone(), right[0].clone()]).check().unwrap_err().contains("twice"));
    }

    #[test]
    fn what_an_archive_does_not_hold_was_not_there_only_where_it_holds_the_rest() {
        let missing = |name: &str| Part::absent(name, Kind::Files, State::Missing, "why");
        let all = || saved("files", Kind::Files, &[]);
        let table = [
            (vec![all()], "codex", true),
            (vec![all(), missing("files/codex")], "codex", false),
            (vec![all(), missing("files/codex")], "core", true),
            (vec![missing("files"), saved("files/codex", Kind::Files, &[])], "codex", true),
            (vec![missing("files"), saved("files/codex", Kind::Files, &[])], "core", false),
            (vec![saved("configuration", Kind::Configuration, &[])], "codex", false),
        ];
        for (parts, service, is_whole) in table {
            let found = manifest(parts.clone()).is_whole(Kind::Files, &format!("files/{service}"));
            assert_eq!(found, is_whole, "{service}: {parts:?}");
        }
    }

    #[test]
    fn a_manifest_knows_what_is_missing() {
        let part = |state| Part::absent("neo4j", Kind::Neo4j, state, "why");
        let mut manifest = manifest(vec![part(State::NotUsed)]);
        assert!(manifest.is_complete());
        manifest.parts.push(part(State::Missing));
        assert!(!manifest.is_complete());
        let text = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    }
}
