//! The sync half of Codex against the Freshservice simulator and a real PostgreSQL.

mod api;
mod base;
mod details;
mod harness;
mod jobs;
mod provider;
mod tickets;
