//! Pure rules: no input or output, no clock, no async.

pub mod backoff;
pub mod child_env;
pub mod keycloak_realm;
pub mod log_entry;
pub mod log_filter;
pub mod ports;
pub mod registry;
pub mod secrets;
pub mod status;
pub mod timeline;
