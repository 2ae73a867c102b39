//! SQL, one file per aggregate.

pub mod accounts;
pub mod billed_hours;
pub mod changes;
pub mod client;
pub mod credit_notes;
pub mod device_types;
pub mod features;
pub mod inputs;
pub mod items;
pub mod jobs;
pub mod mails;
pub mod manual;
pub mod pullers;
pub mod revenue;
pub mod runs;
pub mod schedule;
pub mod settings;
pub mod snapshots;
pub mod types;
