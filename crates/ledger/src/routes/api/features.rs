//! Features agreed on beside the plan (ledger.md §3.4).

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
    domain::changes::feature_changes,
    store::{changes, features},
};

/// Features that every Codex has.
const ALWAYS: [&str; 6] =
    ["antivirus", "soc", "password_manager", "sat", "email_security", "network_management"];

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(list, put, post)).routes(routes!(remove))
}

/// Features agreed on with a company.
#[utoipa::path(
    get, path = "/api/overrides/features/{account_number}", tag = "overrides",
    params(("account_number" = String, Path, description = "Account number of the company")),
    responses((status = 200, description = "`feature_overrides`", body = Value))
)]
async fn list(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
) -> Result<Json<Value>> {
    let number = account(&account_number)?.to_owned();
    let rows = features::list(&ledger.pool, Some(std::slice::from_ref(&number))).await?;
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            json!({
                "feature_type": row.feature_type,
                "override_enabled": row.override_enabled,
                "value": row.value,
            })
        })
        .collect();
    Ok(Json(json!({ "feature_overrides": rows })))
}

/// Sets features: `{feature: value}`. Features that Codex does not know are passed over; an empty value ends an override.
#[utoipa::path(
    put, path = "/api/overrides/features/{account_number}", tag = "overrides", request_body = Value,
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
    post, path = "/api/overrides/features/{account_number}", tag = "overrides", request_body = Value,
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
    if members.is_empty() {
        return Err(bad("No data provided"));
    }
    let known = if members.keys().all(|name| ALWAYS.contains(&name.as_str())) {
        Vec::new()
    } else {
        categories(&ledger).await?
    };
    let is_known = |name: &str| ALWAYS.contains(&name) || known.iter().any(|category| category == name);
    let accepted = feature_changes(&members, is_known).map_err(|fault| invalid(&fault))?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    for (feature, value) in &accepted {
        match value {
            Some(value) => features::save(&mut tx, number, feature, value).await?,
            None => _ = features::remove(&mut tx, number, feature).await?,
        }
    }
    tx.commit().await?;
    let names: Vec<&str> = accepted.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    audit!(user = by(&caller), company = number, features = names, "Features changed");
    Ok(Done::new(format!("Feature overrides updated: {names}")))
}

/// The features that this Codex knows beside those that every one does.
async fn categories(ledger: &Ledger) -> Result<Vec<String>> {
    let (categories, _) = ledger.codex.features().await?;
    let name = |category: &Value| {
        ["name", "feature_type", "key"]
            .iter()
            .find_map(|member| category[member].as_str())
            .or(category.as_str())
            .map(str::to_owned)
    };
    Ok(match categories {
        Value::Array(rows) => rows.iter().filter_map(name).collect(),
        Value::Object(rows) => rows.keys().cloned().collect(),
        _ => Vec::new(),
    })
}

/// Goes back to what the plan says of a feature.
#[utoipa::path(
    delete, path = "/api/overrides/features/{account_number}/{feature_type}", tag = "overrides",
    params(
        ("account_number" = String, Path, description = "Account number of the company"),
        ("feature_type" = String, Path, description = "The feature")
    ),
    responses((status = 200, body = Done))
)]
async fn remove(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path((account_number, feature)): Path<(String, String)>,
) -> Result<Json<Done>> {
    let number = account(&account_number)?;
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let was_there = features::remove(&mut tx, number, &feature).await?;
    tx.commit().await?;
    if !was_there {
        return Ok(Done::new("No override to delete"));
    }
    audit!(user = by(&caller), company = number, feature, "Feature override removed");
    Ok(Done::new(format!("Feature override for {feature} deleted")))
}
