//! Billing plans and their features (codex-api.md §4.7, §10). What is read has the contract's shapes at its two prefixes;
//! everything the page does is a route of its own as well.

pub mod actions;
mod categories;
mod file;
mod lists;
mod named;
mod options;
mod rows;

use hivematrix_shared::problem::Problem;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;

pub use self::file::export;
use crate::{Codex, domain::plan_changes::Invalid};

/// All routes of plans and features.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .merge(rows::router())
        .merge(named::router())
        .merge(lists::router())
        .merge(options::router())
        .merge(categories::router())
        .merge(file::router())
}

/// 404 as upstream words it.
fn no_such_plan() -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error("Plan not found")
}

/// 400 with what is wrong with each field.
fn invalid(invalid: &Invalid) -> Problem {
    let fields = serde_json::to_value(&invalid.0).unwrap_or_default();
    Problem::new(StatusCode::BAD_REQUEST)
        .error(format!("Not saved: {}.", invalid.sentence()))
        .with("fields", fields)
}

/// 400 in words.
fn refused(text: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST).error(text)
}

/// 409 in words.
fn clash(text: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT).error(text)
}

/// 409 for what the database says exists already.
fn taken(error: sqlx::Error, text: &str) -> Problem {
    match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => clash(text),
        _ => error.into(),
    }
}
