//! Server-rendered pages: the frame all services extend, what a page knows of its request, icons and formatting.
//!
//! A service's `askama.toml` names `templates` and `../shared/templates`; its templates start with
//! `{% extends "layout.html" %}` and have a field `page: Page`. Services ship no stylesheet: the gateway adds it.

pub mod assets;
pub mod chart;
mod context;
pub mod flash;
pub mod format;
pub mod icons;
mod people;

pub use self::{
    context::{Page, PageInfo, is_navigation, is_shown, prefix_of},
    icons::icon,
    people::only_people,
};
