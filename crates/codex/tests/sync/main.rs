//! The sync half of Codex against the Freshservice simulator and a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod api;
mod asset_history;
mod base;
mod by_hand;
mod deadlocks;
mod details;
mod faults;
mod harness;
mod import;
mod init_db;
mod job_ends;
mod jobs;
mod killed;
mod plans;
mod provider;
mod reviews;
mod rmm;
mod rmm_api;
mod rmm_numbers;
mod rmm_wire;
mod rmm_world;
mod save_rules;
mod superops;
mod tickets;
mod writes;
