//! Rules without input or output; the time is an argument.

pub mod archive;
pub mod billing;
pub mod changes;
pub mod charges;
pub mod compare;
pub mod documents;
pub mod migration;
pub mod pullers;
pub mod schedule;
