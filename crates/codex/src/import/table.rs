//! What is said of a table that is taken over: its columns, and how rows of both sides are matched.

use serde_json::{Map, Value};

use super::value::Kind;

/// A row on its way: values by column name.
pub type Row = Map<String, Value>;

/// A column that is taken over.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name on both sides.
    pub name: &'static str,
    /// What it holds here.
    pub kind: Kind,
    /// What stands for a missing value, as upstream's application would have written it.
    pub default: Option<&'static str>,
}

impl Column {
    pub(super) const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }
}

pub(super) const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, default: None }
}
pub(super) const fn text(name: &'static str) -> Column {
    column(name, Kind::Text)
}
pub(super) const fn word(name: &'static str) -> Column {
    column(name, Kind::Word)
}
pub(super) const fn int(name: &'static str) -> Column {
    column(name, Kind::Int)
}
pub(super) const fn flag(name: &'static str) -> Column {
    column(name, Kind::Bool)
}
pub(super) const fn time(name: &'static str) -> Column {
    column(name, Kind::Time)
}
pub(super) const fn array(name: &'static str) -> Column {
    column(name, Kind::Array)
}
pub(super) const fn money(name: &'static str) -> Column {
    column(name, Kind::Number).or("0")
}

/// When a row that is stored already gives way to the source's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conflict {
    /// Unless it was changed here since it was taken over. Fields a person has edited stay in any case.
    Remember,
    /// Unless it is newer.
    Newer,
    /// Never.
    Keep,
}

/// A table that is taken over.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Name on both sides.
    pub name: &'static str,
    /// Primary key. A single `id` is a number that stands for nothing, so that another one does as well.
    pub key: &'static [&'static str],
    /// When a row `t` that is stored is the record of a row `i` of the source; for tables with an `id`.
    pub same: &'static str,
    /// The columns, the key's included.
    pub columns: &'static [Column],
    /// Columns that are only read, for `prepare`.
    pub also: &'static [&'static str],
    /// Columns that name the `id` of a row of another table.
    pub references: &'static [(&'static str, &'static str)],
    /// What happens to a row that is stored already.
    pub conflict: Conflict,
    /// Mends what no column can tell by itself.
    pub prepare: fn(&mut Row) -> Result<(), String>,
}

impl Table {
    /// Whether rows have an `id` of no meaning.
    pub fn has_id(&self) -> bool {
        self.columns.iter().any(|column| column.name == "id" && column.kind == Kind::Int)
    }
}

pub(super) fn as_it_is(_: &mut Row) -> Result<(), String> {
    Ok(())
}

/// What most tables have.
pub(super) const BASE: Table = Table {
    name: "",
    key: &["id"],
    same: "t.id = i.id",
    columns: &[],
    also: &[],
    references: &[],
    conflict: Conflict::Remember,
    prepare: as_it_is,
};
