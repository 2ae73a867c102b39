//! JSON handlers, one file per resource.

pub mod alerts;
pub mod backups;
pub mod ingest;
pub mod keycloak;
pub mod log_export;
pub mod logs;
pub mod metrics;
pub mod process_logs;
pub mod security;
pub mod services;
pub mod settings;
