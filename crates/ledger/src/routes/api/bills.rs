//! Bills as they are now (ledger.md §3.3).

use axum::extract::State;
use hivematrix_shared::{
    auth::{Authenticated, BillingOnly},
    extract::{Json, Path},
    problem::{Problem, Result},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    account,
    month::{Month, MonthQuery},
};
use crate::{
    Ledger,
    bills::{
        BillError, Material,
        overview::{Attention, Row},
    },
    domain::{
        billing::Bill,
        documents::{invoice_number, summary},
    },
    store,
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new()
        .routes(routes!(bill))
        .routes(routes!(dashboard))
        .routes(routes!(plans))
        .routes(routes!(invoice_summary))
        .routes(routes!(check_archived))
}

/// The bill of a company for a month, with the reason of each line.
///
/// `receipt` holds the lines and sums, `explain` what is behind them. A bill with `complete` false cannot be archived;
/// `incomplete_reason` says why.
#[utoipa::path(
    get, path = "/api/billing/{account_number}", tag = "bills",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery),
    responses(
        (status = 200, description = "The bill", body = Value),
        (status = 404, description = "Codex knows no such company"),
        (status = 422, description = "There is no bill: the company has no plan that Codex knows"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn bill(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
) -> Result<Json<Value>> {
    let material = ledger.bills.material(account(&account_number)?, period).await?;
    let bill = material.bill().map_err(BillError::from)?;
    Ok(Json(answer(&material, &bill)?))
}

fn answer(material: &Material, bill: &Bill<'_>) -> Result<Value> {
    let value = |part: &dyn erased::Part| part.json();
    let incomplete = material.incomplete();
    Ok(json!({
        "account_number": material.account_number(),
        "company_name": material.company_name(),
        "billing_period": bill.period.to_string(),
        "receipt": value(&bill.receipt)?,
        "quantities": value(&bill.quantities)?,
        "effective_rates": value(&bill.effective_rates)?,
        "plan_features": value(&bill.plan_features)?,
        "feature_override_status": value(&bill.feature_override_status)?,
        "billing_plan": bill.client.billing_plan,
        "contract_term_length": bill.client.contract_term_length,
        "contract_end_date": bill.contract_end_date,
        "contract_expired": bill.contract_expired,
        "support_level": bill.support_level_display,
        "prepaid_hours_monthly": value(&bill.receipt.prepaid_hours_monthly)?,
        "prepaid_hours_yearly": value(&bill.receipt.prepaid_hours_yearly)?,
        "remaining_yearly_hours": value(&bill.remaining_yearly_hours)?,
        "tickets": value(&bill.tickets_for_billing_period)?,
        "unmapped_devices": value(&bill.unmapped_devices)?,
        "skipped_tickets": bill.skipped_tickets,
        "is_archived": material.is_archived(),
        "complete": incomplete.is_none(),
        "incomplete_reason": incomplete,
        "explain": value(&bill.explain)?,
    }))
}

/// What serialises, behind one pointer.
mod erased {
    use hivematrix_shared::problem::{Problem, Result};
    use serde_json::Value;

    pub(super) trait Part {
        fn json(&self) -> Result<Value>;
    }

    impl<T: serde::Serialize> Part for T {
        fn json(&self) -> Result<Value> {
            serde_json::to_value(self).map_err(Problem::internal)
        }
    }
}

/// The bills of all companies for a month, in Codex's order.
#[derive(Serialize, ToSchema)]
struct Dashboard {
    /// `YYYY-MM`.
    billing_period: String,
    /// One for each company with a bill.
    companies: Vec<Row>,
    /// Companies without a bill, with the reason.
    needs_attention: Vec<Attention>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

/// Totals and counts of all companies for a month.
#[utoipa::path(
    get, path = "/api/billing/dashboard", tag = "bills", params(MonthQuery),
    responses(
        (status = 200, body = Dashboard),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn dashboard(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Month(period): Month,
) -> Result<Json<Dashboard>> {
    let failed = |error: BillError| {
        let text = error.to_string();
        Problem::from(error)
            .error("Failed to load dashboard data")
            .with("billing_period", period.to_string())
            .with("companies", json!([]))
            .cause(text)
    };
    let found = ledger.bills.overview(period).await.map_err(failed)?;
    let is_empty = found.rows.is_empty() && found.attention.is_empty();
    Ok(Json(Dashboard {
        billing_period: period.to_string(),
        companies: found.rows,
        needs_attention: found.attention,
        warning: is_empty
            .then_some("No companies available. Codex service may not be running or configured."),
    }))
}

/// The plans that Codex knows, with all rates.
#[utoipa::path(
    get, path = "/api/plans", tag = "bills",
    responses((status = 200, description = "Plans", body = Vec<Value>), (status = 503, description = "Codex does not answer"))
)]
async fn plans(State(ledger): State<Ledger>, _: Authenticated) -> Result<Json<Vec<Value>>> {
    let plans = ledger.codex.plans().await?;
    let rows = plans.iter().map(|plan| {
        let mut row = json!({
            "id": plan.id,
            "billing_plan": plan.plan_name,
            "term_length": plan.term_length,
            "support_level": plan.support_level(),
        });
        for (name, rate) in plan.named_rates() {
            row[name] = serde_json::to_value(rate).map_err(Problem::internal)?;
        }
        Ok(row)
    });
    rows.collect::<Result<Vec<Value>>>().map(Json)
}

/// What the invoice of a month comes to.
#[utoipa::path(
    get, path = "/api/invoice/{account_number}/summary", tag = "bills",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery),
    responses(
        (status = 200, description = "The summary", body = Value),
        (status = 404, description = "Codex knows no such company"),
        (status = 422, description = "There is no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn invoice_summary(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
) -> Result<Json<Value>> {
    let failed = |error: BillError| Problem::from(error).error("Unable to generate invoice summary");
    let mut connection = ledger.pool.acquire().await?;
    if let Some(stored) = store::snapshots::of_company_month(&mut connection, &account_number, period).await?
    {
        let mut summary =
            serde_json::to_value(summary::of_archived(&stored.invoice)).map_err(Problem::internal)?;
        summary["is_archived"] = json!(true);
        return Ok(Json(summary));
    }
    drop(connection);
    let material = ledger.bills.material(account(&account_number)?, period).await.map_err(failed)?;
    let bill = material.bill().map_err(|why| failed(why.into()))?;
    let mut summary = serde_json::to_value(summary::of(&bill)).map_err(Problem::internal)?;
    summary["is_archived"] = json!(material.is_archived());
    Ok(Json(summary))
}

/// Whether a month of a company is in the archive.
#[derive(Serialize, ToSchema)]
struct CheckArchived {
    /// Number that the invoice has, or will have.
    invoice_number: String,
    /// Whether it is archived.
    is_archived: bool,
}

/// Whether a month of a company is in the archive. Whether there is such a company is not looked at.
#[utoipa::path(
    get, path = "/api/bill/check-archived/{account_number}", tag = "bills",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery),
    responses((status = 200, body = CheckArchived))
)]
async fn check_archived(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
) -> Result<Json<CheckArchived>> {
    let archived = store::snapshots::number_of(&ledger.pool, &account_number, period).await?;
    Ok(Json(CheckArchived {
        is_archived: archived.is_some(),
        invoice_number: archived.unwrap_or_else(|| invoice_number(&account_number, period)),
    }))
}
