//! What the board shows and in which order. Pure: no I/O, and the time is an argument.

pub mod agents;
pub mod board;
pub mod hints;
pub mod links;
pub mod order;
pub mod tickets;
pub mod views;
