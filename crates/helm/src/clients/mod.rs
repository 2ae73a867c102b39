//! Calls to others.

pub mod core;
pub mod keycloak;
