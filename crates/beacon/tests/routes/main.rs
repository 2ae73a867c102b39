//! Beacon through its router, behind the common layers, with a Core and a Codex that the tests play.

mod api_sync;
mod api_tickets;
mod common;
mod page;
