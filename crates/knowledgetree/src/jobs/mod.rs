//! What runs in the background.

pub mod seed;
pub mod sync;
