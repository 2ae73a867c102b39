//! The sync half of Codex against the Freshservice simulator and a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod api;
mod base;
mod details;
mod harness;
mod jobs;
mod provider;
mod rmm;
mod rmm_api;
mod rmm_numbers;
mod rmm_wire;
mod rmm_world;
mod save_rules;
mod tickets;
mod writes;
