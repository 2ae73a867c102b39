//! Beacon through its router, behind the common layers, with a Core and a Codex that the tests play.

#[cfg(test)]
mod api_sync;
#[cfg(test)]
mod api_tickets;
#[cfg(test)]
mod common;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod display_links;
#[cfg(test)]
mod displays;
#[cfg(test)]
mod events;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod insight;
#[cfg(test)]
mod page;
#[cfg(test)]
mod process;
#[cfg(test)]
mod stream;
