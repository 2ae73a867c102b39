//! The billing engine from the outside: vectors, dated hours, and what holds for every bill.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod common;
mod dated;
mod papers;
mod properties;
mod seasons;
mod vectors;
