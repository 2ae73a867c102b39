//! The vendor's endpoints.

pub mod master;
pub mod tickets;
