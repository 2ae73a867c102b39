//! How an import went.

use serde::Serialize;

/// How an import went.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Report {
    /// Nothing was kept.
    pub dry_run: bool,
    /// By table, in their order.
    pub tables: Vec<Counts>,
    /// Rows that were not taken.
    pub refused: Vec<Refused>,
    /// Jobs that are switched off here and were not there.
    pub switched_off: Vec<SwitchedOff>,
}

/// How many rows of a table.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Its name.
    pub table: &'static str,
    /// Whether the source has it.
    pub in_source: bool,
    /// Read there.
    pub read: u64,
    /// New here.
    pub new: u64,
    /// Changed there since the last import, and here too now.
    pub updated: u64,
    /// As they are there.
    pub unchanged: u64,
    /// Changed here since, and left alone.
    pub kept: u64,
    /// Not taken.
    pub refused: u64,
}

impl Counts {
    /// One line for people.
    pub fn line(&self) -> String {
        if !self.in_source {
            return format!("{}: not in the source", self.table);
        }
        format!(
            "{}: {} read, {} new, {} updated, {} unchanged, {} kept as changed here, {} refused",
            self.table, self.read, self.new, self.updated, self.unchanged, self.kept, self.refused
        )
    }
}

/// A job that is switched off here and was not there.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SwitchedOff {
    /// Its name.
    pub job_name: String,
    /// Why.
    pub reason: String,
}

/// A row that was not taken.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Refused {
    /// Its table.
    pub table: &'static str,
    /// Which row there.
    pub row: String,
    /// Why.
    pub reason: String,
}
