//! `POST /api/bill/accept`: a bill becomes final (ledger.md §7.2).

use axum::extract::State;
use hivematrix_shared::{
    auth::BillingOnly,
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tracing::Instrument as _;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{account, archive::money, bad, by, invalid, members, month::period};
use crate::{
    Ledger,
    bills::{
        BillError,
        accept::{Accept, Accepted},
    },
    clients::codex::CodexError,
    domain::{billing::NoBill, changes::Fields},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(accept))
}

/// What is accepted.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler reads numbers and their texts")]
struct AcceptBody {
    /// Whose bill.
    account_number: String,
    /// Year.
    year: i32,
    /// Month, 1 to 12.
    month: i32,
    /// For people; not printed on the invoice.
    notes: Option<String>,
    /// The total that was shown; the bill is not archived when it has become another one.
    expected_total: Option<f64>,
}

/// A bill is in the archive.
#[derive(Serialize, ToSchema)]
struct AcceptAnswer {
    /// Always `true`.
    success: bool,
    /// For people.
    message: &'static str,
    /// Number of the invoice.
    invoice_number: String,
    /// Its total.
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    total_amount: Decimal,
    /// What should be looked at all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Computes the bill of a company for a month once, and archives exactly that with its invoice. It cannot be changed after.
#[utoipa::path(
    post, path = "/api/bill/accept", tag = "bills", request_body = AcceptBody,
    responses(
        (status = 201, body = AcceptAnswer),
        (status = 400, description = "Members are missing or wrong, or the month has not begun"),
        (status = 404, description = "Codex knows no such company"),
        (status = 409, description = "The month is archived already (with `invoice_number`), the bill has become another one (with its `total_amount`), or it is incomplete"),
        (status = 422, description = "There is no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn accept(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    body: Result<Json<Value>>,
) -> Result<(StatusCode, Json<AcceptAnswer>)> {
    let accept = match body {
        Ok(Json(body)) => wanted(&ledger, by(&caller), body),
        Err(problem) => Err(problem),
    };
    let accept = accept.map_err(|problem| problem.with("success", false))?;
    let bills = ledger.bills.clone();
    // Goes on to its audit line when the one who asked is gone.
    let accepting = async move {
        let done = bills.accept(&accept).await;
        if let Ok(done) = &done {
            done.audit(&accept.by, &accept.account_number);
        }
        done
    };
    let done = tokio::spawn(accepting.in_current_span()).await.map_err(Problem::internal)?;
    match done.map_err(failed)? {
        Accepted::Archived { invoice_number, total, warnings, .. } => {
            let message = "Bill accepted and archived successfully";
            Ok((
                StatusCode::CREATED,
                Json(AcceptAnswer {
                    success: true,
                    message,
                    invoice_number,
                    total_amount: total.decimal(),
                    warnings,
                }),
            ))
        }
        Accepted::Already { invoice_number } => Err(Problem::new(StatusCode::CONFLICT)
            .with("success", false)
            .with("invoice_number", invoice_number)
            .error("This bill has already been archived")),
        Accepted::Changed(total) => Err(Problem::new(StatusCode::CONFLICT)
            .with("success", false)
            .with("total_amount", json!(total))
            .error(format!("This bill has changed: its total has become {total} since it was looked at"))),
        Accepted::Incomplete(reason) => Err(Problem::new(StatusCode::CONFLICT)
            .with("success", false)
            .error(format!("This bill is incomplete and cannot be archived: {reason}"))),
    }
}

/// What the body asks for.
fn wanted(ledger: &Ledger, by: String, body: Value) -> Result<Accept> {
    let body = members(body)?;
    let needed = || bad("account_number, year, and month are required");
    let account_number = text(&body, "account_number").ok_or_else(needed)?;
    let (year, month) = (number(&body, "year", needed)?, number(&body, "month", needed)?);
    let period = period(year, month)?;
    let current = ledger.bills.current_period();
    if current.is_some_and(|current| period > current) {
        return Err(bad("A month that has not begun cannot be archived"));
    }
    let notes = text(&body, "notes");
    if notes.as_deref().is_some_and(|notes| notes.chars().count() > 10_000 || notes.contains('\0')) {
        return Err(bad("notes must have at most 10000 characters"));
    }
    let mut fields = Fields::of(&body);
    let expected_total = fields.fee("expected_total").flatten();
    fields.done(()).map_err(|fault| invalid(&fault))?;
    Ok(Accept { account_number: account(&account_number)?.to_owned(), period, notes, by, expected_total })
}

fn failed(error: BillError) -> Problem {
    let text = match &error {
        BillError::NoCompany(_) | BillError::Codex(CodexError::Answer(_) | CodexError::Call(_)) => {
            Some("Unable to fetch company data from Codex")
        }
        BillError::NoBill(NoBill::NoAccountNumber | NoBill::NoPlan | NoBill::UnknownPlan { .. }) => {
            Some("Unable to calculate billing for this company")
        }
        BillError::Database(_) | BillError::Stopped => None,
    };
    let problem = Problem::from(error).with("success", false);
    match text {
        Some(text) => problem.with("error", text),
        None => problem.with("error", "Internal server error"),
    }
}

/// A text, or a number as its text.
fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    match body.get(name)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, or its text.
pub(super) fn number(
    body: &Map<String, Value>,
    name: &str,
    needed: impl Fn() -> Problem,
) -> Result<i64, Problem> {
    let wrong = || bad(format!("{name} must be a whole number"));
    match body.get(name) {
        None | Some(Value::Null) => Err(needed()),
        Some(Value::Number(number)) => number.as_i64().ok_or_else(wrong),
        Some(Value::String(text)) if text.trim().is_empty() => Err(needed()),
        Some(Value::String(text)) => text.trim().parse().map_err(|_| wrong()),
        Some(_) => Err(wrong()),
    }
}
