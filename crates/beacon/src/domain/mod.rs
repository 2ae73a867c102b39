//! What the board shows and in which order. Pure: no I/O, and the time is an argument.

pub mod agents;
pub mod board;
pub mod chart;
pub mod hints;
pub mod insight;
pub mod link_key;
pub mod links;
pub mod order;
pub mod reduced;
pub mod summary;
pub mod tickets;
pub mod views;
