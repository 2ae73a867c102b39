//! Helm's API and pages through its router, on real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod audit_command;
mod backups;
mod gateway;
mod helm;
mod keycloak;
mod logs;
mod migrations;
mod security;
mod settings;
mod watch;
