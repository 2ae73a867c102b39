//! What Beacon remembers of Codex's answers, and what it made of them, in memory only: nothing is stored.

mod flight;
mod history;
mod links;
mod memo;
mod reference;
mod slot;
mod tickets;

pub use self::{
    history::HistoryCache,
    links::LinkCache,
    memo::{Basis, Memo, Weigh},
    reference::{Reference, ReferenceCache},
    tickets::{Current, TicketCache},
};
