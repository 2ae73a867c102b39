//! Tables of the local realm (migrations/core).

pub mod failures;
pub mod grants;
pub mod groups;
pub mod housekeeping;
pub mod pending;
pub mod revocations;
pub mod second_factor;
pub mod sign_ins;
pub mod sign_on;
pub mod users;
