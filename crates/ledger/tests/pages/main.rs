//! Ledger's pages, through the whole router, with a real PostgreSQL and a Codex that the tests play.

mod access;
mod archive;
mod bill;
mod clients;
mod settings;
mod support;
