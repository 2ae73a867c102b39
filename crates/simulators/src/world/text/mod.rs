//! The words of the simulated world: names and stories. All invented.

pub mod names;
mod plain;
pub mod stories;
mod tell;

pub use plain::plain;
pub use tell::{Told, escape, tell};
