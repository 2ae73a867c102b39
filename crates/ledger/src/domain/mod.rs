//! Rules without input or output; the time is an argument.

pub mod billing;
pub mod documents;
