//! What kinds of devices are billed as (rule 45).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path},
    problem::Result,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, by, members, missing, refused};
use crate::{
    Ledger,
    domain::changes::{Fields, MAPPED_TYPES},
    store::{
        changes,
        device_types::{self, MappingRow},
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(list, save)).routes(routes!(remove))
}

/// Which rate kinds of devices have.
#[derive(Serialize, ToSchema)]
struct Mappings {
    /// By kind.
    mappings: Vec<MappingRow>,
}

/// Which rate a kind of device has.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler says what is wrong with each member")]
struct MappingBody {
    /// Kind of device, as Codex names it.
    device_type: String,
    /// What it is billed as; not `Custom`, which needs a cost for each device.
    billing_type: String,
}

/// What kinds of devices are billed as; a kind that is not here is billed as Workstation, and shown as unmapped.
#[utoipa::path(get, path = "/api/device-types", tag = "settings", responses((status = 200, body = Mappings)))]
async fn list(State(ledger): State<Ledger>, _: BillingOnly) -> Result<Json<Mappings>> {
    Ok(Json(Mappings { mappings: device_types::list(&ledger.pool).await? }))
}

/// Says what a kind of device is billed as, whatever its case.
#[utoipa::path(
    put, path = "/api/device-types", tag = "settings", request_body = MappingBody,
    responses((status = 200, body = Done), (status = 400, description = "A member is wrong; `fields` says what with each"))
)]
async fn save(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    let members = members(body)?;
    let mut fields = Fields::of(&members);
    let device_type = fields.text("device_type", 100).flatten();
    let billing_type = fields.choice("billing_type", &MAPPED_TYPES).flatten();
    let (device_type, billing_type) =
        fields.done((device_type, billing_type)).map_err(|fault| refused(Some(fault), ""))?;
    let (Some(device_type), Some(billing_type)) = (device_type, billing_type) else {
        return Err(refused(None, "device_type and billing_type are required"));
    };
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    device_types::save(&mut tx, &device_type, billing_type, &by(&caller)).await?;
    tx.commit().await?;
    audit!(user = by(&caller), device_type, billing_type, "Kind of device mapped");
    Ok(Done::new(format!("{device_type} is billed as {billing_type}")))
}

/// Forgets what a kind of device is billed as.
#[utoipa::path(
    delete, path = "/api/device-types/{device_type}", tag = "settings",
    params(("device_type" = String, Path, description = "Kind of device")),
    responses((status = 200, body = Done), (status = 404, description = "It is not mapped"))
)]
async fn remove(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(device_type): Path<String>,
) -> Result<Json<Done>> {
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    if !device_types::remove(&mut tx, &device_type).await? {
        return Err(missing("This kind of device is not mapped"));
    }
    tx.commit().await?;
    audit!(user = by(&caller), device_type, "Kind of device unmapped");
    Ok(Done::new(format!("{device_type} is not mapped any more")))
}
