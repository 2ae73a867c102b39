//! What an import did, table by table, and every row it could not take.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// The whole import.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Whether nothing was kept of it.
    pub dry_run: bool,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// In the order in which they were read.
    pub tables: Vec<Counts>,
    /// Rows that were not taken.
    pub refused: Vec<Refused>,
    /// Values that were not taken, of rows that were.
    pub left_out: Vec<LeftOut>,
}

/// The rows of one table.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Its name.
    pub table: &'static str,
    /// Whether the source has it at all.
    pub in_source: bool,
    /// Rows of the source.
    pub read: u64,
    /// Rows that were not here.
    pub new: u64,
    /// Rows that are different now.
    pub updated: u64,
    /// Rows that were the same.
    pub unchanged: u64,
    /// Rows that stay as they are here, because they were changed here or are newer.
    pub kept: u64,
    /// Rows that could not be taken.
    pub refused: u64,
}

/// A row that could not be taken.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Refused {
    /// Table.
    pub table: &'static str,
    /// Its key in the source.
    pub key: String,
    /// Why.
    pub reason: String,
}

/// A value that could not be taken.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LeftOut {
    /// Table.
    pub table: &'static str,
    /// The row's key in the source.
    pub key: String,
    /// Column.
    pub column: &'static str,
    /// Why.
    pub reason: String,
}

impl Counts {
    /// One line for people.
    pub fn line(&self) -> String {
        if !self.in_source {
            return format!("{:<26} not in the source", self.table);
        }
        format!(
            "{:<26} {:>8} read {:>8} new {:>8} updated {:>8} unchanged {:>8} kept {:>8} refused",
            self.table, self.read, self.new, self.updated, self.unchanged, self.kept, self.refused
        )
    }
}
