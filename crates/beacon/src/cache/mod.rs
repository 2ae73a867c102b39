//! What Beacon remembers of Codex's answers, in memory only: nothing is stored.

mod reference;
mod slot;
mod tickets;

pub use self::{
    reference::{Reference, ReferenceCache},
    tickets::{Current, TicketCache},
};
