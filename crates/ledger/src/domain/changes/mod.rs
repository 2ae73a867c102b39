//! What people and programs may write into Ledger's tables: checked here, so that nothing is stored that would silently cost
//! nothing or too much.

pub mod added;
mod client;
mod fields;
pub mod form;
mod rows;

pub(crate) use client::as_number;
pub use client::{ClientConditions, Condition, NUMBERS, Number};
pub use fields::{Fields, Invalid};
pub use rows::{ItemChange, ItemKind, NewManualAsset, NewManualUser, TypeChange, feature_changes};

/// Kinds a device can be billed as (ledger.md §2.2).
pub const ASSET_TYPES: [&str; 7] =
    ["Workstation", "Server", "VM", "Switch", "Firewall", "Custom", "No Charge"];

/// Kinds that a kind of device can be mapped to: a cost of one's own is said for each device, so as `Custom` all of them would
/// cost nothing.
pub const MAPPED_TYPES: [&str; 6] = ["Workstation", "Server", "VM", "Switch", "Firewall", "No Charge"];

/// Kinds a person can be billed as (ledger.md §2.2).
pub const USER_TYPES: [&str; 4] = ["Paid", "Free", "No Charge", "Custom"];
