//! Calls to the identity provider and to Codex.

pub mod codex;
pub mod identity_provider;
pub mod provider_admin;
