//! Beacon through its router, behind the common layers, with a Core and a Codex that the tests play.

#[cfg(test)]
mod api_sync;
#[cfg(test)]
mod api_tickets;
#[cfg(test)]
mod common;
#[cfg(test)]
mod page;
