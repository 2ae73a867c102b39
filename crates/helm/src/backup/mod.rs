//! Backups (helm.md §10): one encrypted archive with everything a suite needs on an empty machine.
//!
//! An archive is a tar inside age. Each part is a stream of unknown length that is cut into numbered entries
//! (`postgresql/codex_db/000000`), so nothing is ever whole in memory or unencrypted on a disk. The last entry is the
//! manifest; an archive without it, or without age's own end, is no archive.

pub mod archive;
pub mod database;
pub mod dump;
mod expected;
pub mod files;
pub mod foreign_files;
pub mod graph;
pub mod graph_lines;
pub mod history;
pub mod inside;
pub mod keys;
pub mod programs;
pub mod rehearsal;
mod rights;
pub mod run;
mod saving;
pub mod scan;
pub mod scratch;
pub mod unpack;
pub mod verify;

use std::path::PathBuf;

use crate::instance::Layout;

/// Where archives lie unless another folder is named, with what is remembered of them.
#[must_use]
pub fn folder(layout: &Layout) -> PathBuf {
    layout.folder("backups")
}
