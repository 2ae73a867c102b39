//! The HTTP side of Codex, through its router, against a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod access;
mod admin;
mod agents;
mod clear;
mod history;
mod board;
mod companies;
mod pages;
mod support;
mod tickets;
mod upstream;
mod users;
