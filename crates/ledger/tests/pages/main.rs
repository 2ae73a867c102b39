//! Ledger's pages, through the whole router, with a real PostgreSQL and a Codex that the tests play.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod access;
mod archive;
mod bill;
mod clients;
mod pullers;
mod settings;
mod support;
