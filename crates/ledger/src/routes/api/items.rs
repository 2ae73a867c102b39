//! Line items: what is billed besides (ledger.md §3.4).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path},
    problem::Result,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Added, Done, account, by, invalid, members, missing, refused};
use crate::{
    Ledger,
    domain::{
        billing::number::Money,
        changes::{ItemChange, as_number},
    },
    store::{changes, items},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(change, remove))
}

/// A line item: exactly one fee, with its time. A negative one is a discount.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler reads numbers and their texts")]
struct ItemBody {
    /// Name.
    name: String,
    /// What it is.
    description: Option<String>,
    /// Every month.
    monthly_fee: Option<f64>,
    /// Once; needs `one_off_year` and `one_off_month`.
    one_off_fee: Option<f64>,
    /// When once is.
    one_off_year: Option<i32>,
    /// When once is, 1 to 12.
    one_off_month: Option<i32>,
    /// Once a year; needs `yearly_bill_month`.
    yearly_fee: Option<f64>,
    /// In which month, 1 to 12.
    yearly_bill_month: Option<i32>,
    /// First month in which it is billed, `YYYY-MM`.
    first_month: Option<String>,
    /// Last month in which it is billed, `YYYY-MM`.
    last_month: Option<String>,
}

/// Line items of a company, by id.
#[utoipa::path(
    get, path = "/api/overrides/line-items/{account_number}", tag = "overrides",
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 200, description = "`line_items`", body = Value))
)]
async fn list(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
) -> Result<Json<Value>> {
    let number = account(&account_number)?.to_owned();
    let rows = items::list(&ledger.pool, Some(std::slice::from_ref(&number))).await?;
    let fee = |fee: Option<Money>| fee.map(|fee| as_number(fee.decimal()));
    let line_items: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            json!({
                "id": row.id,
                "name": row.item.name,
                "description": row.item.description,
                "monthly_fee": fee(row.item.monthly_fee),
                "one_off_fee": fee(row.item.one_off_fee),
                "one_off_year": row.item.one_off_year,
                "one_off_month": row.item.one_off_month,
                "yearly_fee": fee(row.item.yearly_fee),
                "yearly_bill_month": row.item.yearly_bill_month,
                "first_month": row.item.first_month,
                "last_month": row.item.last_month,
            })
        })
        .collect();
    Ok(Json(json!({ "line_items": line_items })))
}

/// Adds a line item.
#[utoipa::path(
    post, path = "/api/overrides/line-items/{account_number}", tag = "overrides", request_body = ItemBody,
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 201, body = Added), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn add(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Added>)> {
    let number = account(&account_number)?;
    let item = ItemChange::new(&members(body)?).map_err(|fault| refused(fault, "name is required"))?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let id = items::add(&mut tx, number, &item).await?;
    tx.commit().await?;
    audit!(user = by(&caller), company = number, id, "Line item added");
    Ok((StatusCode::CREATED, Json(Added { message: "Custom line item added".to_owned(), id })))
}

/// Changes a line item: only the given members; a fee of 0, an empty text or null takes it away.
#[utoipa::path(
    put, path = "/api/overrides/line-items/{account_number}/{id}", tag = "overrides", request_body = ItemBody,
    params(
        ("account_number" = String, Path, description = "Account number of the company"),
        ("id" = i32, Path, description = "Ledger's id")
    ),
    responses(
        (status = 200, body = Done),
        (status = 400, description = "A member is wrong; `fields` says what with each"),
        (status = 404, description = "The company has none of this id")
    )
)]
async fn change(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path((account_number, id)): Path<(String, i32)>,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    let number = account(&account_number)?;
    let members = members(body)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let mut item = items::hold(&mut tx, number, id).await?.ok_or_else(|| missing("Line item not found"))?;
    item.change(&members).map_err(|fault| invalid(&fault))?;
    items::save(&mut tx, id, &item).await?;
    tx.commit().await?;
    audit!(user = by(&caller), company = number, id, "Line item changed");
    Ok(Done::new("Line item updated"))
}

/// Removes a line item.
#[utoipa::path(
    delete, path = "/api/overrides/line-items/{account_number}/{id}", tag = "overrides",
    params(
        ("account_number" = String, Path, description = "Account number of the company"),
        ("id" = i32, Path, description = "Ledger's id")
    ),
    responses((status = 200, body = Done), (status = 404, description = "The company has none of this id"))
)]
async fn remove(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path((account_number, id)): Path<(String, i32)>,
) -> Result<Json<Done>> {
    let number = account(&account_number)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    if !items::remove(&mut tx, number, id).await? {
        return Err(missing("Line item not found"));
    }
    tx.commit().await?;
    audit!(user = by(&caller), company = number, id, "Line item removed");
    Ok(Done::new("Line item deleted"))
}
