//! Calls to other services, and the mail server.

pub mod codex;
pub mod mail;
