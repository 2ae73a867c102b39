//! The sync engine against the SuperOps simulator.

mod harness;
mod provider;
mod sync;
