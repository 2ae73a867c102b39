//! What a run counts.

use serde::Serialize;

/// Summary counts of a run (codex-api.md §8.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Companies stored.
    pub companies: u64,
    /// Contacts stored.
    pub contacts: u64,
    /// Agents stored.
    pub agents: u64,
    /// Groups stored.
    pub groups: u64,
    /// Tickets received.
    pub tickets: u64,
    /// New tickets among them.
    pub tickets_created: u64,
    /// Changed tickets among them.
    pub tickets_updated: u64,
    /// Tickets marked `deleted`, because the vendor no longer has them.
    pub tickets_deleted: u64,
    /// Tickets that a list lacked and whose real state was fetched.
    pub tickets_reconciled: u64,
    /// Tickets marked `deleted` or `spam`, because the vendor has them in its bin or spam folder.
    pub tickets_cleaned: u64,
    /// Tickets whose messages and hours were read.
    pub details: u64,
    /// Sites read.
    pub sites: u64,
    /// Assets stored.
    pub assets: u64,
    /// New assets among them.
    pub assets_created: u64,
    /// Account numbers written to a vendor.
    pub account_numbers: u64,
    /// Companies, contacts, agents and assets removed.
    pub removed: u64,
    /// Rows that were patched or left out.
    pub warnings: u64,
}
