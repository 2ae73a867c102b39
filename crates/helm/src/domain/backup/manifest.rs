//! The last entry of an archive: what should be in it, what is, and by which checksums that is known.

use std::{collections::BTreeSet, path::Path};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::parts::{Kind, kind_of, service_outside};
use crate::domain::log_entry::is_service_name;

/// The form of the archive that this program writes and the newest it reads.
pub const FORMAT: u32 = 1;

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
        }
    }

    /// The service whose own folder this part holds.
    #[must_use]
    pub fn foreign_service(&self) -> Option<&str> {
        self.name
            .strip_prefix(Kind::Foreign.as_str())?
            .strip_prefix('/')
            .filter(|_| self.kind == Kind::Foreign)
    }

    fn is_of_one_foreign_service(&self) -> bool {
        let of = |file: &FileFacts, service| {
            service_outside(Path::new(&file.path)).is_some_and(|(name, _)| name == service)
        };
        self.foreign_service().is_some_and(|service| {
            is_service_name(service) && self.files.iter().all(|file| of(file, service))
        })
    }

    fn check(&self) -> Result<(), String> {
        let is_right = match &self.database {
            None if self.kind == Kind::Foreign => self.is_of_one_foreign_service(),
            None => self.kind.is_files() && self.name == self.kind.as_str(),
            Some(facts) => {
                self.kind == Kind::Postgresql
                    && self.name == database_part(&facts.database)
                    && is_service_name(&facts.service)
                    && self.files.is_empty()
            }
        };
        if !is_right {
            return Err(format!("it holds the unknown part {}", self.name));
        }
        match self.files.iter().find(|file| kind_of(Path::new(&file.path)) != Some(self.kind)) {
            Some(file) => Err(format!("its part {} holds the unexpected file {}", self.name, file.path)),
            None => Ok(()),
        }
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

/// What is known of a database beside its dump, all from the snapshot that was dumped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    /// Whose it is.
    pub service: String,
    /// Its name.
    pub database: String,
    /// The role that owns it.
    pub owner: String,
    /// `UTF8`.
    pub encoding: String,
    /// `LC_COLLATE`.
    pub collate: String,
    /// `LC_CTYPE`.
    pub ctype: String,
    /// `server_version_num` of its server.
    pub server: i32,
    /// Newest migration that was applied, when the service keeps that.
    pub migration: Option<i64>,
    /// Who may do what with it.
    pub grants: Vec<Grant>,
    /// `ALTER DATABASE … SET` lines, `name=value`.
    pub settings: Vec<String>,
    /// Every role that it names.
    pub roles: Vec<String>,
    /// Its tables.
    pub tables: Vec<TableFacts>,
    /// Tables of it that its service may not read: saved, and never compared.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unread: Vec<String>,
}

impl DatabaseFacts {
    /// Major version of its server.
    #[must_use]
    pub fn major(&self) -> i32 {
        self.server / 10_000
    }

    /// Where the tables that were found differ from these.
    #[must_use]
    pub fn differences(&self, mut found: Vec<TableFacts>) -> Vec<String> {
        found.retain(|table| !self.unread.contains(&format!("{}.{}", table.schema, table.name)));
        differences(&self.tables, &found)
    }
}

/// A privilege on a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Role; empty for everyone.
    pub grantee: String,
    /// `CONNECT`, `CREATE`, `TEMPORARY`.
    pub privilege: String,
    /// Whether the role may pass it on.
    pub grantable: bool,
}

/// The content of a table, in a form that two snapshots can be compared by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFacts {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// How many rows.
    pub rows: i64,
    /// Sum of the first 64 bits of the SHA-256 of each row's text: the same whatever the order of the rows.
    pub checksum: String,
}

/// Where two lists of tables differ, in words; `expected` is what the snapshot had.
#[must_use]
pub fn differences(expected: &[TableFacts], found: &[TableFacts]) -> Vec<String> {
    let name = |table: &TableFacts| format!("{}.{}", table.schema, table.name);
    let same = |a: &TableFacts, b: &TableFacts| a.schema == b.schema && a.name == b.name;
    let mut told = Vec::new();
    for table in expected {
        match found.iter().find(|other| same(table, other)) {
            None => told.push(format!("{} is not there", name(table))),
            Some(other) if other.rows != table.rows => {
                told.push(format!("{} has {} rows instead of {}", name(table), other.rows, table.rows));
            }
            Some(other) if other.checksum != table.checksum => {
                told.push(format!("{} has other content", name(table)));
            }
            Some(_) => {}
        }
    }
    let strange = found.iter().filter(|table| !expected.iter().any(|other| same(table, other)));
    told.extend(strange.map(|table| format!("{} was not there", name(table))));
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, rows: i64, checksum: &str) -> TableFacts {
        TableFacts { schema: "public".into(), name: name.into(), rows, checksum: checksum.into() }
    }

    #[test]
    fn tables_are_compared_by_name_rows_and_content() {
        let expected = [table("a", 1, "5"), table("b", 2, "6"), table("c", 3, "7"), table("d", 0, "0")];
        let found = [table("d", 0, "0"), table("a", 1, "5"), table("b", 3, "6"), table("e", 3, "7")];
        assert_eq!(
            differences(&expected, &found),
            ["public.b has 3 rows instead of 2", "public.c is not there", "public.e was not there"]
        );
        assert_eq!(differences(&[table("a", 1, "5")], &[table("a", 1, "6")]), ["public.a has other content"]);
        assert!(differences(&expected, &expected).is_empty());
    }

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
            saved("foreign/ledger", Kind::Foreign, &["@ledger/.flaskenv", "@ledger/instance/ledger.conf"]),
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
            saved("files", Kind::Files, &["@ledger/.flaskenv"]),
            saved("foreign/ledger", Kind::Foreign, &["@codex/.flaskenv"]),
            saved("foreign/ledger", Kind::Foreign, &["@ledger/run.py"]),
            saved("foreign/ledger", Kind::Foreign, &["@ledger/instance/../../x"]),
            saved("foreign/ledger", Kind::Foreign, &["ledger/ledger.conf"]),
            saved("foreign", Kind::Foreign, &[]),
            saved("foreign/../x", Kind::Foreign, &[]),
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
