//! Calls to others than vendors.

pub mod keycloak;
