//! The vendor's endpoints.

pub mod master;
pub mod ticket_changes;
pub mod tickets;
