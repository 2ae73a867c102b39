//! Own conditions of a company (ledger.md §3.4).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path},
    problem::Result,
};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, account, bad, by, invalid, members};
use crate::{
    Ledger,
    domain::changes::ClientConditions,
    store::{changes, client},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(show, put, post, remove))
}

/// What differs from the plan for a company. A value is null while it does not count.
#[utoipa::path(
    get, path = "/api/overrides/client/{account_number}", tag = "overrides",
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 200, description = "`overrides`, null where there are none", body = Value))
)]
async fn show(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
) -> Result<Json<Value>> {
    let number = account(&account_number)?.to_owned();
    let found = client::list(&ledger.pool, Some(std::slice::from_ref(&number))).await?;
    Ok(Json(match found.into_iter().next() {
        Some((number, conditions)) => json!({ "overrides": conditions.answer(&number) }),
        None => json!({ "overrides": null, "message": "No overrides configured" }),
    }))
}

/// Sets members: each given one counts from now on, null ends one, the others stay.
#[utoipa::path(
    put, path = "/api/overrides/client/{account_number}", tag = "overrides", request_body = Value,
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn put(
    ledger: State<Ledger>,
    caller: BillingOnly,
    path: Path<String>,
    body: Json<Value>,
) -> Result<Json<Done>> {
    save(ledger, caller, path, body).await
}

/// As `PUT`.
#[utoipa::path(
    post, path = "/api/overrides/client/{account_number}", tag = "overrides", request_body = Value,
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn post(
    ledger: State<Ledger>,
    caller: BillingOnly,
    path: Path<String>,
    body: Json<Value>,
) -> Result<Json<Done>> {
    save(ledger, caller, path, body).await
}

async fn save(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    let number = account(&account_number)?;
    let members = members(body)?;
    if !ClientConditions::are_in(&members) {
        return Err(bad("No data provided"));
    }
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let mut conditions: ClientConditions = client::hold(&mut tx, number).await?.unwrap_or_default();
    conditions.change(&members).map_err(|fault| invalid(&fault))?;
    client::save(&mut tx, number, &conditions).await?;
    tx.commit().await?;
    audit!(user = by(&caller), company = number, "Own conditions changed");
    Ok(Done::new("Overrides updated successfully"))
}

/// Goes back to what the plan says.
#[utoipa::path(
    delete, path = "/api/overrides/client/{account_number}", tag = "overrides",
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 200, body = Done))
)]
async fn remove(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
) -> Result<Json<Done>> {
    let number = account(&account_number)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let was_there = client::remove(&mut tx, number).await?;
    tx.commit().await?;
    if !was_there {
        return Ok(Done::new("No overrides to delete"));
    }
    audit!(user = by(&caller), company = number, "Own conditions removed");
    Ok(Done::new("Overrides deleted successfully"))
}
