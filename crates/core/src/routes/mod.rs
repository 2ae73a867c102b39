//! HTTP: the JSON API, Core's own pages, and the local realm.

pub mod api;
pub mod pages;
pub mod realm;
pub mod request;
