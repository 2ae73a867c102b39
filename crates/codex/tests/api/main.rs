//! The HTTP side of Codex, through its router, against a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod access;
mod admin;
mod admin_pages;
mod agents;
mod board;
mod board_history;
mod clear;
mod companies;
mod company_edit;
mod company_list;
mod dashboard;
mod described;
mod devices;
mod document;
mod features;
mod groups;
mod history;
mod list_counts;
mod page_parts;
mod pages;
mod people;
mod plan_forms;
mod plan_pages;
mod plans;
mod review;
mod review_page;
mod support;
mod ticket_update;
mod tickets;
mod upstream;
mod users;
mod webhooks;
