//! TLS at the door: certificates and the listener (nexus.md §12).

pub mod certificate;
pub mod files;
pub mod listener;
pub mod places;
pub mod redirect;
