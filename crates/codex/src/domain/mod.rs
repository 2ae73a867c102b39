//! Rules without input or output; the time is an argument.

pub mod board;
pub mod board_sample;
pub mod contract;
pub mod preferences;
pub mod priority;
pub mod scope;
pub mod sla;
pub mod status;
pub mod webhook;
pub mod webhook_effect;
pub mod words;
