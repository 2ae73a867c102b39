//! The sync engine against the SuperOps simulator.

pub mod harness;
mod provider;
mod sync;
mod writes;
