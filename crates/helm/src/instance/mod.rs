//! The instance directory: what lies where, and how it is prepared. Everything here may be done again at any time.

pub mod account;
pub mod databases;
pub mod files;
pub mod layout;
pub mod options;
pub mod postgres;
pub mod redis;
pub mod registry;
pub mod secrets;

pub use self::layout::Layout;
