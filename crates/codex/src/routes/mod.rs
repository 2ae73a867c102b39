//! HTTP: JSON in `api`, HTML in `pages`.

pub mod api;
pub mod flash;
pub mod pages;
