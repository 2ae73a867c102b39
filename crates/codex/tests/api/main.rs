//! The HTTP side of Codex, through its router, against a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod access;
mod board;
mod board_history;
mod companies;
mod company_edit;
mod company_list;
mod dashboard;
mod pages;
mod review;
mod features;
mod plan_forms;
mod plans;
mod devices;
mod people;
mod review_page;
mod support;
mod ticket_update;
mod tickets;
mod upstream;
mod users;
mod webhooks;
