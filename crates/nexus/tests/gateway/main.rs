//! The gateway through its whole router, with small servers as its peers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod access;
mod attacks;
mod audit;
mod certificate;
mod compression;
mod contract;
mod door;
mod forwarding;
mod instances;
mod listener;
mod outages;
mod pages;
mod policies;
mod renewal;
mod sessions;
mod sign_in;
mod slow;
mod sockets;
mod streams;
mod style_guide;
mod support;
