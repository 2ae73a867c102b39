//! Calls to other services, and the mail server.

pub mod codex;
mod elements;
pub mod mail;
