//! Pure rules and types: no I/O, no async, no clock.

pub mod compared;
pub mod content;
pub mod context;
pub mod diff;
pub mod faults;
pub mod files;
pub mod history;
pub mod item;
pub mod listing;
pub mod material;
pub mod names;
pub mod order;
pub mod paths;
pub mod permissions;
pub mod records;
pub mod search;
pub mod sync;
pub mod sync_runs;
pub mod synced;
pub mod transfer;
pub mod trash;
