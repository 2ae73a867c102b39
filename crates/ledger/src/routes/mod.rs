//! HTTP: JSON for programs, files for bookkeepers.

pub mod api;
pub mod pages;
