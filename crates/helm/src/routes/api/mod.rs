//! JSON handlers, one file per resource.

pub mod ingest;
pub mod keycloak;
pub mod log_export;
pub mod logs;
pub mod services;
