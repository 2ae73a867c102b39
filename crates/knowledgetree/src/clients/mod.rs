//! Calls to other services.

pub mod codex;
