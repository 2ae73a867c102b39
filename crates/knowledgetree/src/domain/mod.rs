//! Pure rules of the knowledge tree: no I/O, no clock, no store.

pub mod content;
pub mod context;
pub mod diff;
pub mod files;
pub mod names;
pub mod paths;
pub mod permissions;
pub mod sync;
pub mod transfer;
