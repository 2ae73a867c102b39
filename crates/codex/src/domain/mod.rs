//! Rules without input or output; the time is an argument.

pub mod board;
pub mod board_sample;
pub mod contract;
pub mod device;
pub mod preferences;
pub mod priority;
pub mod realm_users;
pub mod scope;
pub mod site_match;
pub mod sla;
pub mod status;
pub mod sync_progress;
pub mod webhook;
pub mod webhook_effect;
pub mod words;
