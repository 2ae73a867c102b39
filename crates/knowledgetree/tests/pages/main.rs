//! KnowledgeTree's pages, through the whole router, with a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod access;
mod administration;
mod article;
mod explorer;
mod search;
mod support;
mod trash;
