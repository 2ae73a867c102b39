//! What two services agree on over HTTP: a module per answering service.

pub mod codex;
pub mod core;
pub mod helm;
