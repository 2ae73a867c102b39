//! The gateway through its whole router, with small servers as its peers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod access;
mod forwarding;
mod instances;
mod listener;
mod outages;
mod pages;
mod sessions;
mod sign_in;
mod sockets;
mod streams;
mod support;
