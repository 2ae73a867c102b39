//! The JSON side of KnowledgeTree and its files, through its router, on a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod access;
mod away;
mod bad_input;
mod browse;
mod content;
mod context;
mod described;
mod document;
mod files;
mod history;
mod items;
mod search;
mod support;
mod transfer;
mod trash;
