//! Calls to others.

pub mod core;
pub mod gateway;
pub mod keycloak;
pub mod neo4j;
pub mod systemctl;
pub mod webhook;
