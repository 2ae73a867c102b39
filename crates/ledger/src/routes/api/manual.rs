//! Devices and people that Codex does not know (ledger.md §3.4).

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

use super::{Added, Done, account, by, members, missing, refused};
use crate::{
    Ledger,
    domain::changes::{NewManualAsset, NewManualUser, as_number},
    store::{
        changes,
        manual::{self, ManualRow},
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new()
        .routes(routes!(assets, add_asset))
        .routes(routes!(remove_asset))
        .routes(routes!(users, add_user))
        .routes(routes!(remove_user))
}

/// A device that Codex does not know.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler reads numbers and their texts")]
struct ManualAssetBody {
    /// Name.
    hostname: String,
    /// `Workstation`, `Server`, `VM`, `Switch`, `Firewall`, `Custom` or `No Charge`.
    billing_type: String,
    /// What it costs if the type is `Custom`.
    custom_cost: Option<f64>,
    /// For people.
    notes: Option<String>,
}

/// A person whom Codex does not know.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler reads numbers and their texts")]
struct ManualUserBody {
    /// Name.
    full_name: String,
    /// `Paid`, `Free`, `No Charge` or `Custom`.
    billing_type: String,
    /// What the person costs if the type is `Custom`.
    custom_cost: Option<f64>,
    /// For people.
    notes: Option<String>,
}

fn answer(name: &str, rows: Vec<ManualRow>) -> Vec<Value> {
    let rows = rows.into_iter().map(|row| {
        json!({
            "id": row.id,
            name: row.name,
            "billing_type": row.billing_type,
            "custom_cost": row.custom_cost.map(as_number),
            "notes": row.notes,
        })
    });
    rows.collect()
}

/// Devices of a company that Codex does not know, by id.
#[utoipa::path(
    get, path = "/api/overrides/manual-assets/{account_number}", tag = "overrides",
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 200, description = "`manual_assets`", body = Value))
)]
async fn assets(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
) -> Result<Json<Value>> {
    let number = account(&account_number)?.to_owned();
    let rows = manual::assets(&ledger.pool, Some(std::slice::from_ref(&number))).await?;
    Ok(Json(json!({ "manual_assets": answer("hostname", rows) })))
}

/// Adds a device.
#[utoipa::path(
    post, path = "/api/overrides/manual-assets/{account_number}", tag = "overrides", request_body = ManualAssetBody,
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 201, body = Added), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn add_asset(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Added>)> {
    let number = account(&account_number)?;
    let asset = NewManualAsset::read(&members(body)?)
        .map_err(|fault| refused(fault, "hostname and billing_type are required"))?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let id = manual::add_asset(&mut tx, number, &asset).await?;
    tx.commit().await?;
    audit!(user = by(&caller), company = number, id, "Manual asset added");
    Ok((StatusCode::CREATED, Json(Added { message: "Manual asset added".to_owned(), id })))
}

/// Removes a device that was added.
#[utoipa::path(
    delete, path = "/api/overrides/manual-assets/{account_number}/{id}", tag = "overrides",
    params(
        ("account_number" = String, Path, description = "Account number of the company"),
        ("id" = i32, Path, description = "Ledger's id")
    ),
    responses((status = 200, body = Done), (status = 404, description = "The company has none of this id"))
)]
async fn remove_asset(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path((account_number, id)): Path<(String, i32)>,
) -> Result<Json<Done>> {
    let number = account(&account_number)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    if !manual::remove_asset(&mut tx, number, id).await? {
        return Err(missing("Manual asset not found"));
    }
    tx.commit().await?;
    audit!(user = by(&caller), company = number, id, "Manual asset removed");
    Ok(Done::new("Manual asset deleted"))
}

/// People of a company that Codex does not know, by id.
#[utoipa::path(
    get, path = "/api/overrides/manual-users/{account_number}", tag = "overrides",
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 200, description = "`manual_users`", body = Value))
)]
async fn users(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
) -> Result<Json<Value>> {
    let number = account(&account_number)?.to_owned();
    let rows = manual::users(&ledger.pool, Some(std::slice::from_ref(&number))).await?;
    Ok(Json(json!({ "manual_users": answer("full_name", rows) })))
}

/// Adds a person.
#[utoipa::path(
    post, path = "/api/overrides/manual-users/{account_number}", tag = "overrides", request_body = ManualUserBody,
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 201, body = Added), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn add_user(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Added>)> {
    let number = account(&account_number)?;
    let user = NewManualUser::read(&members(body)?)
        .map_err(|fault| refused(fault, "full_name and billing_type are required"))?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let id = manual::add_user(&mut tx, number, &user).await?;
    tx.commit().await?;
    audit!(user = by(&caller), company = number, id, "Manual user added");
    Ok((StatusCode::CREATED, Json(Added { message: "Manual user added".to_owned(), id })))
}

/// Removes a person that was added.
#[utoipa::path(
    delete, path = "/api/overrides/manual-users/{account_number}/{id}", tag = "overrides",
    params(
        ("account_number" = String, Path, description = "Account number of the company"),
        ("id" = i32, Path, description = "Ledger's id")
    ),
    responses((status = 200, body = Done), (status = 404, description = "The company has none of this id"))
)]
async fn remove_user(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path((account_number, id)): Path<(String, i32)>,
) -> Result<Json<Done>> {
    let number = account(&account_number)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    if !manual::remove_user(&mut tx, number, id).await? {
        return Err(missing("Manual user not found"));
    }
    tx.commit().await?;
    audit!(user = by(&caller), company = number, id, "Manual user removed");
    Ok(Done::new("Manual user deleted"))
}
