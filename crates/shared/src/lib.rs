//! What every HiveMatrix service has in common, and no word about any one of them.
//!
//! The rooms: settings, registry, authentication, calls to other services, contracts, problem documents, health, logging,
//! metrics, rate limits, API documents, database, pages, and the server that puts them together.

mod allocator;
pub mod auth;
pub mod clock;
pub mod conditional;
pub mod config;
pub mod context;
pub mod contracts;
pub mod correlation;
pub mod csv;
pub mod db;
pub mod extract;
pub mod health;
pub mod logging;
pub mod metrics;
pub mod openapi;
pub mod pages;
pub mod problem;
pub mod rate_limit;
pub mod recent;
pub mod registry;
pub mod server;
pub mod service_client;
pub mod tls;
#[cfg(any(test, feature = "testing"))]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tools of tests: what fails here fails the test")]
pub mod testing;
