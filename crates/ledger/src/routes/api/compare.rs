//! Two archived months of a company side by side.

use axum::extract::State;
use hivematrix_shared::{
    auth::BillingOnly,
    extract::{Json, Path, Query},
    problem::Result,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    account,
    archive::money,
    bad, missing,
    month::{Month, MonthQuery, written},
};
use crate::{
    Ledger,
    domain::{
        archive::ArchivedInvoice,
        compare::{self, Difference},
    },
    store::snapshots,
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(compare)).routes(routes!(changes))
}

/// Whose months, and which.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
struct CompareQuery {
    /// Account number of the company.
    #[param(required)]
    account_number: Option<String>,
    /// The month that is compared with, `YYYY-MM`.
    #[param(required)]
    first: Option<String>,
    /// The other one, `YYYY-MM`.
    #[param(required)]
    second: Option<String>,
}

/// Two months side by side. Changes are the second less the first.
#[derive(Serialize, ToSchema)]
struct Compared {
    company_account_number: String,
    first: ComparedInvoice,
    second: ComparedInvoice,
    /// Change of the total.
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    change: Decimal,
    /// Sums by kind of line.
    kinds: Vec<ComparedKind>,
    /// Lines that only the second month has.
    added: Vec<ComparedLine>,
    /// Lines that only the first month has.
    removed: Vec<ComparedLine>,
    /// Lines that cost something else in the second month.
    changed: Vec<ComparedLine>,
    /// Rates that are not the same.
    rates: Vec<ComparedRate>,
}

/// A rate that differs.
#[derive(Serialize, ToSchema)]
struct ComparedRate {
    /// Its column, such as `per_user_cost`.
    name: &'static str,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    first: Decimal,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    second: Decimal,
}

/// One of the months.
#[derive(Serialize, ToSchema)]
struct ComparedInvoice {
    invoice_number: String,
    company_name: String,
    billing_year: i32,
    billing_month: i32,
    billing_plan: Option<String>,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    total_amount: Decimal,
}

/// What lines of a kind come to.
#[derive(Serialize, ToSchema)]
struct ComparedKind {
    /// `user`, `asset`, `backup`, `ticket` or `custom`.
    line_type: &'static str,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    first: Decimal,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    second: Decimal,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    change: Decimal,
}

/// A line that differs.
#[derive(Serialize, ToSchema)]
struct ComparedLine {
    /// `user`, `asset`, `backup`, `ticket` or `custom`.
    line_type: String,
    item_name: String,
    /// Null where the first month has no such line.
    #[serde(serialize_with = "maybe")]
    #[schema(value_type = Option<f64>)]
    first: Option<Decimal>,
    /// Null where the second month has no such line.
    #[serde(serialize_with = "maybe")]
    #[schema(value_type = Option<f64>)]
    second: Option<Decimal>,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    change: Decimal,
}

/// An amount, or null.
pub(super) fn maybe<S: serde::Serializer>(
    amount: &Option<Decimal>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => money(amount, serializer),
        None => serializer.serialize_none(),
    }
}

impl From<&ArchivedInvoice> for ComparedInvoice {
    fn from(invoice: &ArchivedInvoice) -> Self {
        Self {
            invoice_number: invoice.invoice_number.clone(),
            company_name: invoice.company_name.clone(),
            billing_year: invoice.billing_year,
            billing_month: invoice.billing_month,
            billing_plan: invoice.billing_plan.clone(),
            total_amount: invoice.total_amount,
        }
    }
}

fn lines(found: Vec<Difference>) -> Vec<ComparedLine> {
    found
        .into_iter()
        .map(|line| ComparedLine {
            change: line.change(),
            line_type: line.line_type,
            item_name: line.name,
            first: line.before,
            second: line.after,
        })
        .collect()
}

/// Two archived months of a company side by side: what came, what went, what costs something else.
#[utoipa::path(
    get, path = "/archive/api/compare", tag = "archive", operation_id = "compare_months", params(CompareQuery),
    responses(
        (status = 200, body = Compared),
        (status = 400, description = "A parameter is missing or wrong"),
        (status = 404, description = "One of the months is not archived")
    )
)]
async fn compare(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Query(query): Query<CompareQuery>,
) -> Result<Json<Compared>> {
    let number = query.account_number.as_deref().map(str::trim).unwrap_or_default();
    if number.is_empty() {
        return Err(bad("account_number is required"));
    }
    let number = account(number)?;
    let month = |name: &str, text: &Option<String>| {
        let text = text.as_deref().map(str::trim).unwrap_or_default();
        written(text).ok_or_else(|| bad(format!("{name} must be a month such as 2025-06")))
    };
    let (first, second) = (month("first", &query.first)?, month("second", &query.second)?);
    let mut connection = ledger.pool.acquire().await?;
    let mut invoices = Vec::with_capacity(2);
    for period in [first, second] {
        let stored = snapshots::of_company_month(&mut connection, number, period).await?;
        let stored = stored.ok_or_else(|| missing(format!("{period} of {number} is not archived")))?;
        invoices.push(stored.invoice);
    }
    let [first, second] = &invoices[..] else { return Err(missing("One of the months is not archived")) };
    Ok(Json(compared(number, first, second)))
}

fn compared(number: &str, first: &ArchivedInvoice, second: &ArchivedInvoice) -> Compared {
    let found = compare::compare(first, second);
    Compared {
        company_account_number: number.to_owned(),
        change: second.total_amount - first.total_amount,
        first: first.into(),
        second: second.into(),
        kinds: found
            .kinds
            .iter()
            .map(|(line_type, first, second)| ComparedKind {
                line_type,
                first: *first,
                second: *second,
                change: second - first,
            })
            .collect(),
        added: lines(found.added),
        removed: lines(found.removed),
        changed: lines(found.changed),
        rates: found
            .rates
            .into_iter()
            .map(|rate| ComparedRate { name: rate.name, first: rate.before, second: rate.after })
            .collect(),
    }
}

/// The bill of a month beside the archived invoice of the month before, with the causes of the change: what came, what went, what
/// costs something else, and which rates changed. An archived month is taken as it was archived.
#[utoipa::path(
    get, path = "/api/billing/{account_number}/changes", tag = "bills", operation_id = "bill_changes",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery),
    responses(
        (status = 200, description = "`first` is the month before, `second` the month itself", body = Compared),
        (status = 404, description = "The month before is not archived, or Codex knows no such company"),
        (status = 422, description = "There is no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn changes(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
) -> Result<Json<Compared>> {
    let number = account(&account_number)?;
    let Some((before, now)) = ledger.bills.changes(number, period).await? else {
        return Err(missing(format!("The month before {period} of {number} is not archived")));
    };
    Ok(Json(compared(number, &before, &now)))
}
