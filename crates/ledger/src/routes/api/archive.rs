//! Reading the archive (ledger.md §7.3).

mod lists;

use std::time::Duration;

use axum::{extract::State, response::Response};
use chrono::{DateTime, SecondsFormat, Utc};
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path, Query},
    problem::{Problem, Result},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{account, bad, by, downloads::csv_file, missing};
use crate::{
    Ledger,
    bills::verify::{Report, part, verify},
    domain::{billing::number::json_number, documents::names},
    store::{credit_notes, snapshots},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new()
        .routes(routes!(lists::search))
        .routes(routes!(lists::of_company))
        .routes(routes!(one))
        .routes(routes!(csv))
        .routes(routes!(check))
}

/// A time as the archive tells it.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Money as a JSON number.
pub(super) fn money<S: serde::Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    json_number(format!("{amount:.2}"), serializer)
}

fn number(amount: Decimal) -> Value {
    #[derive(Serialize)]
    struct Amount(#[serde(serialize_with = "money")] Decimal);
    serde_json::to_value(Amount(amount)).unwrap_or_default()
}

/// An archived invoice, whole: `billing_data` is the bill as it was computed.
#[utoipa::path(
    get, path = "/archive/api/snapshot/{invoice_number}", tag = "archive",
    params(("invoice_number" = String, Path, description = "Number of the invoice")),
    responses((status = 200, description = "The invoice", body = Value), (status = 404, description = "There is none"))
)]
async fn one(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(invoice_number): Path<String>,
) -> Result<Json<Value>> {
    let mut connection = ledger.pool.acquire().await?;
    let stored = snapshots::find(&mut connection, &invoice_number).await?;
    let stored = stored.ok_or_else(|| missing("Snapshot not found"))?;
    let notes = credit_notes::list(&mut connection, None, Some(&invoice_number)).await?;
    let invoice = &stored.invoice;
    let data: Value = serde_json::from_str(&invoice.billing_data_json).map_err(Problem::internal)?;
    let lines: Vec<Value> = invoice
        .line_items
        .iter()
        .map(|line| {
            json!({
                "line_type": line.line_type,
                "item_name": line.item_name,
                "description": line.description,
                "quantity": number(line.quantity),
                "rate": number(line.rate),
                "amount": number(line.amount),
            })
        })
        .collect();
    let credited: Vec<Value> = notes.iter().map(|stored| super::credit_notes::answer(&stored.note)).collect();
    let credited_total: Decimal = notes.iter().map(|stored| stored.note.total_amount).sum();
    Ok(Json(json!({
        "id": stored.id,
        "company_account_number": invoice.company_account_number,
        "company_name": invoice.company_name,
        "invoice_number": invoice.invoice_number,
        "billing_year": invoice.billing_year,
        "billing_month": invoice.billing_month,
        "invoice_date": invoice.invoice_date,
        "due_date": invoice.due_date,
        "archived_at": stamp(invoice.archived_at),
        "billing_plan": invoice.billing_plan,
        "contract_term": invoice.contract_term,
        "support_level": invoice.support_level,
        "total_amount": number(invoice.total_amount),
        "total_user_charges": number(invoice.total_user_charges),
        "total_asset_charges": number(invoice.total_asset_charges),
        "total_backup_charges": number(invoice.total_backup_charges),
        "total_ticket_charges": number(invoice.total_ticket_charges),
        "total_line_item_charges": number(invoice.total_line_item_charges),
        "user_count": invoice.user_count,
        "asset_count": invoice.asset_count,
        "billable_hours": number(invoice.billable_hours),
        "billing_data": data,
        "created_by": invoice.created_by,
        "notes": invoice.notes,
        "line_items": lines,
        "credit_notes": credited,
        "credited_amount": number(credited_total),
        "content_hash": stored.content_hash,
        "previous_hash": stored.previous_hash,
    })))
}

/// The invoice file as it was archived, byte for byte.
#[utoipa::path(
    get, path = "/archive/api/snapshot/{invoice_number}/csv", tag = "archive",
    params(("invoice_number" = String, Path, description = "Number of the invoice")),
    responses(
        (status = 200, description = "The file", content_type = "text/csv", body = String),
        (status = 404, description = "There is no such invoice")
    )
)]
async fn csv(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(invoice_number): Path<String>,
) -> Result<Response> {
    let stored = snapshots::csv(&ledger.pool, &invoice_number).await?;
    let stored = stored.ok_or_else(|| missing("Snapshot not found"))?;
    let month = format!("{:04}-{:02}", stored.billing_year, stored.billing_month);
    let name = names::archived(&stored.company_name, &stored.company_account_number, &month);
    audit!(user = by(&caller), document = invoice_number, "Archived invoice downloaded");
    Ok(csv_file(&name, stored.invoice_csv))
}

/// A whole number of a query, within a range.
pub(super) fn whole(
    name: &str,
    text: &Option<String>,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Option<i64>> {
    let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| bad(format!("{name} must be a whole number in its range")))
}

/// Whose archive.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
struct VerifyQuery {
    /// Only of this company.
    account_number: Option<String>,
    /// Only of companies after this account number: `next` of the answer before.
    after: Option<String>,
}

/// So long one request checks the archive.
const CHECKING: Duration = Duration::from_secs(10);

/// Checks that the archive is what was written: every seal, every chain of seals, every sum.
///
/// A large archive is checked in parts: where there is a `next`, the rest is asked for with it as `after`. The job `verify` and
/// the command of that name check all at once.
#[utoipa::path(
    get, path = "/archive/api/verify", tag = "archive",
    responses((status = 200, body = Report))
)]
async fn check(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Query(query): Query<VerifyQuery>,
) -> Result<Json<Report>> {
    let number = query.account_number.as_deref().map(account).transpose()?;
    // It reads the whole archive: one at a time.
    let Ok(_turn) = ledger.verifying.try_acquire() else { return Err(Problem::too_many_requests(30)) };
    let found = match number {
        Some(number) => verify(&ledger.pool, Some(number)).await?,
        None => part(&ledger.pool, query.after.as_deref(), CHECKING).await?,
    };
    Ok(Json(found))
}
