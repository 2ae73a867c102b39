//! The gateway through its whole router, with small servers as its peers.

mod access;
mod forwarding;
mod listener;
mod outages;
mod pages;
mod sessions;
mod sign_in;
mod support;
