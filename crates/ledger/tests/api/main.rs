//! Ledger through its router, against a real PostgreSQL, with a Core and a Codex that the tests play.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod accept;
mod access;
mod accounts;
mod archive;
mod bills;
mod changes;
mod commands;
mod exports;
mod hours;
mod import;
mod jobs;
mod mail;
mod months;
mod overrides;
mod papers;
mod pullers;
mod support;
mod upstream;
