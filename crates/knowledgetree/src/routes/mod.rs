//! HTTP handlers.

pub mod api;
pub mod pages;
