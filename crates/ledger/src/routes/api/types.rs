//! Types of single devices and people, by Codex's id (ledger.md §3.4).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::{BillingOnly, Caller},
    extract::{Json, Path},
    problem::Result,
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, by, members, refused};
use crate::{
    Ledger,
    domain::changes::{ASSET_TYPES, TypeChange, USER_TYPES, as_number},
    store::{
        changes,
        types::{self, Of},
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(asset, put_asset, post_asset, remove_asset)).routes(routes!(
        user,
        put_user,
        post_user,
        remove_user
    ))
}

/// The type of one device or person.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler reads numbers and their texts")]
struct TypeBody {
    /// `Workstation`, `Server`, `VM`, `Switch`, `Firewall`, `Custom` or `No Charge` for devices; `Paid`, `Free`, `No Charge` or
    /// `Custom` for people.
    billing_type: String,
    /// What it costs if the type is `Custom`; without it, nothing.
    custom_cost: Option<f64>,
    /// Whose it is, for the history.
    company_account_number: Option<String>,
}

impl Of {
    const fn word(self) -> &'static str {
        match self {
            Self::Assets => "Asset",
            Self::Users => "User",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Assets => "asset_id",
            Self::Users => "user_id",
        }
    }
}

async fn show(ledger: &Ledger, of: Of, id: i64) -> Result<Json<Value>> {
    let found = types::list(&ledger.pool, of, Some(&[id])).await?;
    let row = found.into_iter().next().map(|row| {
        let cost = row.custom_cost.map(as_number);
        json!({ of.id(): row.id, "billing_type": row.billing_type, "custom_cost": cost })
    });
    Ok(Json(json!({ "override": row })))
}

async fn save(ledger: &Ledger, caller: &Caller, of: Of, id: i64, body: Value) -> Result<Json<Done>> {
    let members = members(body)?;
    let known: &[&str] = match of {
        Of::Assets => &ASSET_TYPES,
        Of::Users => &USER_TYPES,
    };
    let change =
        TypeChange::read(&members, known).map_err(|fault| refused(fault, "billing_type is required"))?;
    let company =
        members.get("company_account_number").and_then(Value::as_str).filter(|text| text.len() <= 50);
    let mut tx = changes::begin(&ledger.pool, &by(caller)).await?;
    types::save(&mut tx, of, id, &change, company).await?;
    tx.commit().await?;
    audit!(user = by(caller), kind = of.word(), id, billing_type = change.billing_type, "Billing type set");
    Ok(Done::new(format!("{} override updated successfully", of.word())))
}

async fn remove(ledger: &Ledger, caller: &Caller, of: Of, id: i64) -> Result<Json<Done>> {
    let mut tx = changes::begin(&ledger.pool, &by(caller)).await?;
    let was_there = types::remove(&mut tx, of, id).await?;
    tx.commit().await?;
    if !was_there {
        return Ok(Done::new("No override to delete"));
    }
    audit!(user = by(caller), kind = of.word(), id, "Billing type removed");
    Ok(Done::new(format!("{} override deleted successfully", of.word())))
}

/// What a device is billed as, where that was set by hand.
#[utoipa::path(
    get, path = "/api/overrides/asset/{id}", tag = "overrides",
    params(("id" = i64, Path, description = "Codex's id of the device")),
    responses((status = 200, description = "`override`, null where there is none", body = Value))
)]
async fn asset(State(ledger): State<Ledger>, _: BillingOnly, Path(id): Path<i64>) -> Result<Json<Value>> {
    show(&ledger, Of::Assets, id).await
}

/// Sets what a device is billed as.
#[utoipa::path(
    put, path = "/api/overrides/asset/{id}", tag = "overrides", request_body = TypeBody,
    params(("id" = i64, Path, description = "Codex's id of the device")),
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn put_asset(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(id): Path<i64>,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    save(&ledger, &caller, Of::Assets, id, body).await
}

/// As `PUT`.
#[utoipa::path(
    post, path = "/api/overrides/asset/{id}", tag = "overrides", request_body = TypeBody,
    params(("id" = i64, Path, description = "Codex's id of the device")),
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn post_asset(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(id): Path<i64>,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    save(&ledger, &caller, Of::Assets, id, body).await
}

/// Goes back to what a device is billed as by itself.
#[utoipa::path(
    delete, path = "/api/overrides/asset/{id}", tag = "overrides",
    params(("id" = i64, Path, description = "Codex's id of the device")),
    responses((status = 200, body = Done))
)]
async fn remove_asset(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(id): Path<i64>,
) -> Result<Json<Done>> {
    remove(&ledger, &caller, Of::Assets, id).await
}

/// What a person is billed as, where that was set by hand.
#[utoipa::path(
    get, path = "/api/overrides/user/{id}", tag = "overrides",
    params(("id" = i64, Path, description = "Codex's id of the person")),
    responses((status = 200, description = "`override`, null where there is none", body = Value))
)]
async fn user(State(ledger): State<Ledger>, _: BillingOnly, Path(id): Path<i64>) -> Result<Json<Value>> {
    show(&ledger, Of::Users, id).await
}

/// Sets what a person is billed as.
#[utoipa::path(
    put, path = "/api/overrides/user/{id}", tag = "overrides", request_body = TypeBody,
    params(("id" = i64, Path, description = "Codex's id of the person")),
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn put_user(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(id): Path<i64>,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    save(&ledger, &caller, Of::Users, id, body).await
}

/// As `PUT`.
#[utoipa::path(
    post, path = "/api/overrides/user/{id}", tag = "overrides", request_body = TypeBody,
    params(("id" = i64, Path, description = "Codex's id of the person")),
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn post_user(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(id): Path<i64>,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    save(&ledger, &caller, Of::Users, id, body).await
}

/// Goes back to what a person is billed as by itself.
#[utoipa::path(
    delete, path = "/api/overrides/user/{id}", tag = "overrides",
    params(("id" = i64, Path, description = "Codex's id of the person")),
    responses((status = 200, body = Done))
)]
async fn remove_user(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(id): Path<i64>,
) -> Result<Json<Done>> {
    remove(&ledger, &caller, Of::Users, id).await
}
