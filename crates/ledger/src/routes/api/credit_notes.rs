//! Corrections of archived invoices.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    archive::{money, stamp},
    bad, by, invalid, members, missing,
};
use crate::{
    Ledger,
    domain::{
        archive::{CreditLine, CreditNote},
        changes::Fields,
    },
    store::{
        changes,
        credit_notes::{self, Correction, Refusal},
    },
};

/// Lines of one credit note.
const MOST_LINES: usize = 1000;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(list, add))
}

/// A correction.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler says what is wrong with each member")]
struct CreditBody {
    /// Why.
    reason: String,
    /// What is taken off.
    lines: Vec<CreditLineBody>,
}

/// What is taken off.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler says what is wrong with each member")]
struct CreditLineBody {
    /// The line of the invoice, by its place there from 0; none for a correction of the whole.
    line_item: Option<i32>,
    /// What for.
    description: String,
    /// What is taken off, positive.
    amount: f64,
}

/// A credit note as it is answered.
pub(super) fn answer(note: &CreditNote) -> Value {
    #[derive(Serialize)]
    struct Amount(#[serde(serialize_with = "money")] Decimal);
    let amount = |amount: Decimal| serde_json::to_value(Amount(amount)).unwrap_or_default();
    let lines: Vec<Value> = note
        .lines
        .iter()
        .map(|line| json!({ "line_item": line.line_item, "description": line.description, "amount": amount(line.amount) }))
        .collect();
    json!({
        "number": note.number,
        "invoice_number": note.invoice_number,
        "company_account_number": note.company_account_number,
        "issued_at": stamp(note.issued_at),
        "issued_by": note.issued_by,
        "reason": note.reason,
        "total_amount": amount(note.total_amount),
        "lines": lines,
    })
}

/// Credit notes of an archived invoice, oldest first.
#[utoipa::path(
    get, path = "/archive/api/snapshot/{invoice_number}/credit-notes", tag = "archive",
    params(("invoice_number" = String, Path, description = "Number of the invoice")),
    responses((status = 200, description = "`credit_notes`", body = Value))
)]
async fn list(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(invoice_number): Path<String>,
) -> Result<Json<Value>> {
    let mut connection = ledger.pool.acquire().await?;
    let notes = credit_notes::list(&mut connection, None, Some(&invoice_number)).await?;
    let notes: Vec<Value> = notes.iter().map(|stored| answer(&stored.note)).collect();
    Ok(Json(json!({ "credit_notes": notes })))
}

/// Takes something off an archived invoice. The credit note is as final as the invoice.
#[utoipa::path(
    post, path = "/archive/api/snapshot/{invoice_number}/credit-notes", tag = "archive", request_body = CreditBody,
    params(("invoice_number" = String, Path, description = "Number of the invoice")),
    responses(
        (status = 201, description = "The credit note", body = Value),
        (status = 400, description = "A member is wrong; `fields` says what with each"),
        (status = 404, description = "There is no such invoice"),
        (status = 409, description = "More would be taken off than is left of the invoice")
    )
)]
async fn add(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(invoice_number): Path<String>,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>)> {
    let correction = correction(invoice_number, &members(body)?)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let note = credit_notes::add(&mut tx, correction, &by(&caller), ledger.context.clock.now()).await?;
    let (note, hash) = note.map_err(refused)?;
    tx.commit().await?;
    audit!(user = by(&caller), company = note.company_account_number, credit_note = note.number, total = %note.total_amount, seal = hash, "Credit note issued");
    Ok((StatusCode::CREATED, Json(answer(&note))))
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NoInvoice => missing("Snapshot not found"),
        Refusal::Twice(number) => Problem::new(StatusCode::CONFLICT)
            .with("number", number.clone())
            .error(format!("The same correction has just been made: {number}")),
        Refusal::NoLine(place) => bad(format!("The invoice has no line {place}")),
        Refusal::TooMuch { left } => Problem::new(StatusCode::CONFLICT)
            .error(format!("Only {left:.2} of this invoice is left to be credited")),
    }
}

fn correction(invoice_number: String, members: &Map<String, Value>) -> Result<Correction> {
    let mut fields = Fields::of(members);
    let reason = fields.words("reason", 2000).flatten();
    if reason.is_none() {
        fields.refuse("reason", "is needed");
    }
    let rows = members.get("lines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() || rows.len() > MOST_LINES {
        fields.refuse("lines", format!("must be a list of 1 to {MOST_LINES} lines"));
    }
    let reason = fields.done(reason.unwrap_or_default()).map_err(|fault| invalid(&fault))?;
    let mut lines = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let line = row.as_object().ok_or_else(|| bad(format!("lines[{place}] must be an object")))?;
        let mut fields = Fields::of(line);
        let line_item = fields.whole("line_item", 0..=i32::MAX).flatten();
        let description = fields.text("description", 500).flatten();
        if description.is_none() {
            fields.refuse("description", "is needed");
        }
        let amount = fields.rate("amount").flatten().filter(|amount| !amount.is_zero());
        if amount.is_none() {
            fields.refuse("amount", "must be more than zero");
        }
        let line = fields.done((line_item, description, amount)).map_err(|mut fault| {
            fault.0 =
                fault.0.into_iter().map(|(name, text)| (format!("lines[{place}].{name}"), text)).collect();
            invalid(&fault)
        })?;
        if let (line_item, Some(description), Some(amount)) = line {
            lines.push(CreditLine { line_item, description, amount: amount.decimal() });
        }
    }
    Ok(Correction { invoice_number, reason, lines })
}
