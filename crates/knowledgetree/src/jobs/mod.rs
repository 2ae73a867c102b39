//! What runs in the background.

pub mod retention;
