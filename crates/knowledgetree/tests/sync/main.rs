//! The syncs from Codex over real HTTP, on a PostgreSQL store.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod commands;
mod companies;
mod jobs;
mod moving;
mod original;
mod seed;
mod support;
mod tickets;
