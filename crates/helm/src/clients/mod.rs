//! Calls to others.

pub mod core;
pub mod gateway;
pub mod keycloak;
pub mod systemctl;
pub mod webhook;
