//! HTTP handlers.

pub mod access;
pub mod api;
pub mod pages;
pub mod refused;
