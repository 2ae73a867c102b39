//! Pure rules and types: no I/O, no async, no clock.

pub mod files;
pub mod history;
pub mod item;
pub mod listing;
pub mod material;
pub mod order;
pub mod records;
pub mod search;
pub mod synced;
pub mod trash;
