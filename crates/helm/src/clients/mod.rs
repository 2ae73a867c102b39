//! Calls to others.

pub mod keycloak;
