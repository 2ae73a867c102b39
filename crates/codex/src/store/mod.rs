//! SQL, one file per aggregate, and the ready-made answer of the ticket board.

pub mod assets;
pub mod board;
pub mod board_cache;
pub mod board_samples;
pub mod changes;
pub mod clear;
pub mod companies;
pub mod contacts;
pub mod displays;
pub mod locations;
pub mod psa_agents;
pub mod psa_tickets;
pub mod rmm_devices;
pub mod scope;
pub mod snapshot;
pub mod sync_agents;
pub mod sync_assets;
pub mod sync_companies;
pub mod sync_contacts;
pub mod sync_details;
pub mod sync_history;
pub mod sync_jobs;
pub mod sync_sites;
pub mod sync_staff;
pub mod sync_state;
pub mod sync_tickets;
pub mod ticket_update;
pub mod tickets;
pub mod users;
pub mod webhooks;

/// One page of a list and how many rows there are in all.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows of the page.
    pub items: Vec<T>,
    /// Rows on all pages.
    pub total: i64,
}
