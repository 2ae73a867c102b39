//! What an archive knows of a database beside its dump, and where two states of one differ.

use serde::{Deserialize, Serialize};

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
}
