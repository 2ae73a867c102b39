//! The instance directory: what lies where, and how it is prepared. Everything here may be done again at any time.

pub mod account;
pub mod beneath;
pub mod build;
pub mod certificate;
pub mod databases;
pub mod files;
pub mod foreign;
pub mod found;
pub mod install;
pub mod installation;
pub mod layout;
pub mod machine;
pub mod master_config;
pub mod neo4j;
pub mod operator;
pub mod options;
pub mod packages;
pub mod postgres;
pub mod process_logs;
pub mod redis;
pub mod registry;
pub mod secrets;

pub use self::layout::Layout;
