//! The words of the simulated world: names and stories. All invented.

pub mod names;
pub mod stories;
mod tell;

pub use tell::{Told, escape, tell};
