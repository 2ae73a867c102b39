//! Rules without input or output; the time is an argument.

pub mod board;
pub mod contract;
pub mod device;
pub mod preferences;
pub mod priority;
pub mod scope;
pub mod site_match;
pub mod sla;
pub mod status;
pub mod vendor_words;
pub mod words;
