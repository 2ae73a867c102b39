//! The sync from Codex (knowledgetree.md §9): what Codex sends, what becomes of it in the tree, and the texts of its
//! articles.
//!
//! Everything that is synced is known by its source and its id there ([`Key`]), never by its name: two people of one
//! name are two, and what a person wrote is never taken over.

mod ids;
pub mod input;
mod lenient;
mod plan;
mod texts;

pub use ids::{Wanted, assign_id, assign_names, node_id};
pub use plan::{COMPANIES, Key, LinkedTicket, Planned, Source, companies_folder, company, tickets};
pub use texts::{asset_article, contact_article, ticket_article};

#[cfg(test)]
mod tests;
