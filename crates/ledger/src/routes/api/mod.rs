//! JSON handlers: extract, call, answer (ledger.md §3).

mod accept;
pub(super) mod accounts;
mod archive;
mod bills;
mod client;
mod compare;
mod credit_notes;
mod downloads;
mod features;
mod items;
mod jobs;
mod mail;
mod manual;
mod mappings;
pub(super) mod month;
mod papers;
mod preview;
pub(super) mod pullers;
mod schedule;
mod settings;
mod types;

use hivematrix_shared::{auth::Caller, problem::Problem};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::{Ledger, domain::changes::Invalid};

/// All routes.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new()
        .merge(bills::router())
        .merge(preview::router())
        .merge(accept::router())
        .merge(client::router())
        .merge(types::router())
        .merge(manual::router())
        .merge(items::router())
        .merge(features::router())
        .merge(mappings::router())
        .merge(accounts::router())
        .merge(settings::router())
        .merge(archive::router())
        .merge(compare::router())
        .merge(credit_notes::router())
        .merge(jobs::router())
        .merge(schedule::router())
        .merge(pullers::router())
        .merge(downloads::router())
        .merge(papers::router())
        .merge(mail::router())
}

/// Something was done.
#[derive(Serialize, ToSchema)]
struct Done {
    /// What, for people.
    message: String,
}

impl Done {
    fn new(message: impl Into<String>) -> hivematrix_shared::extract::Json<Self> {
        hivematrix_shared::extract::Json(Self { message: message.into() })
    }
}

/// Something was added.
#[derive(Serialize, ToSchema)]
struct Added {
    /// What, for people.
    message: String,
    /// Ledger's id.
    id: i32,
}

/// 400 in words.
fn bad(text: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST).error(text)
}

/// 404 in words.
fn missing(text: impl Into<String>) -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error(text)
}

/// 400 with what is wrong with each member.
fn invalid(invalid: &Invalid) -> Problem {
    let fields = serde_json::to_value(&invalid.0).unwrap_or_default();
    bad(format!("Not saved: {}.", invalid.sentence())).with("fields", fields)
}

/// 400: what is wrong, or what is missing altogether.
fn refused(fault: Option<Invalid>, needed: &str) -> Problem {
    match fault {
        Some(fault) => invalid(&fault),
        None => bad(needed),
    }
}

/// The members of a body that must be an object.
fn members(body: Value) -> Result<Map<String, Value>, Problem> {
    match body {
        Value::Object(members) => Ok(members),
        _ => Err(bad("The body must be a JSON object")),
    }
}

/// An account number as tables hold it.
pub(super) fn account(number: &str) -> Result<&str, Problem> {
    let is_fitting = !number.trim().is_empty() && number.chars().count() <= 50 && !number.contains('\0');
    if is_fitting { Ok(number) } else { Err(missing(format!("Company {number} not found"))) }
}

/// Who is noted as having done it.
fn by(caller: &Caller) -> String {
    caller.label()
}
