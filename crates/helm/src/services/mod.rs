//! The services that run: what is seen of them, the orders to them, and the settings that they are started with.

pub mod board;
mod builds;
pub mod control;
pub mod reload;
