//! Calls to the peers: the identity provider, Core, Codex, and the backends requests are passed on to.

pub mod backend;
pub mod codex;
pub mod core;
pub mod idle;
pub mod realm;
pub mod tls;
