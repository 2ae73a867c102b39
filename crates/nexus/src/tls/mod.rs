//! The door itself: listeners, certificates, and what keeps hostile or broken clients from costing more than they may
//! (nexus.md §12).

pub mod certificate;
mod connection;
pub mod files;
pub mod inbound;
pub mod listener;
mod patient;
pub mod places;
mod strict;
mod watch;
