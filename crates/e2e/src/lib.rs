//! End-to-end tests: the whole suite as a user meets it, in a real browser, against a simulated vendor.
//!
//! The scenarios live in `tests/suite`. They share one suite, started by the built `helm` in an instance directory and
//! on ports of its own ([`suite`]); each has a browser of its own ([`browser`]), reads the ticket board through
//! [`board`], and is run one after the other by [`runner`], which can skip, unlike the standard test harness.

pub mod board;
pub mod browser;
pub mod console;
pub mod needs;
pub mod runner;
pub mod suite;
pub mod wait;
