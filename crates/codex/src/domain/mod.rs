//! Rules without input or output; the time is an argument.

pub mod board;
pub mod chart;
pub mod company_edit;
pub mod board_sample;
pub mod contract;
pub mod features;
pub mod listing;
pub mod money;
pub mod person;
pub mod plan_badge;
pub mod plan_changes;
pub mod plan_file;
pub mod plans;
pub mod device;
pub mod preferences;
pub mod priority;
pub mod review;
pub mod scope;
pub mod site_match;
pub mod sla;
pub mod status;
pub mod udf;
pub mod vendor_words;
pub mod webhook;
pub mod webhook_effect;
pub mod words;
