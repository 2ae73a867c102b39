//! Devices of the RMM (codex-api.md §4.4).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    contracts::codex::wire,
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::{self, MAX_LIMIT},
    reader::Reader,
    refusals::ForReaders,
};
use crate::{
    Codex,
    domain::asset,
    providers::rmm::Software,
    providers::{DeviceAudit, RmmProvider},
    store::rmm_devices::{self, Selection, StoredDevice},
};

/// Longest a reader waits for the RMM; without its answer the stored facts are all there is.
const PATIENCE: Duration = Duration::from_secs(4);
/// One GiB.
const GIB: f64 = 1_073_741_824.0;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list_devices)).routes(routes!(get_device))
}

#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DeviceQuery {
    /// Only devices of this company.
    company_id: Option<String>,
    /// `online` or `offline`; anything else is ignored.
    status: Option<String>,
    /// Most devices answered, 100 when it is left out.
    limit: Option<i64>,
}

/// A device in short.
#[derive(Serialize, ToSchema)]
struct RmmDeviceItem {
    /// `device-<asset id>`.
    id: String,
    name: String,
    /// Account number of the company.
    company_id: String,
    company_name: String,
    /// `online` or `offline`.
    status: &'static str,
    os: Option<String>,
    /// Our type, else the vendor's category.
    device_type: Option<String>,
    /// Outside, else inside.
    ip_address: Option<String>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<DateTime<Utc>>,
    last_logged_in_user: Option<String>,
}

impl From<&StoredDevice> for RmmDeviceItem {
    fn from(device: &StoredDevice) -> Self {
        Self {
            id: format!("device-{}", device.id),
            name: device.hostname.clone(),
            company_id: device.company_id.clone(),
            company_name: device.company_name.clone(),
            status: if device.online { "online" } else { "offline" },
            os: device.operating_system.clone(),
            device_type: device.device_type.clone(),
            ip_address: device.ip_address.clone(),
            last_seen: device.last_seen,
            last_logged_in_user: device.last_logged_in_user.clone(),
        }
    }
}

/// Devices by name.
#[derive(Serialize, ToSchema)]
struct RmmDevices {
    devices: Vec<RmmDeviceItem>,
    /// Devices in this answer.
    count: usize,
}

/// Devices by name.
#[utoipa::path(get, path = "/api/rmm/devices", tag = "rmm", params(DeviceQuery), responses(
    (status = 200, body = RmmDevices), ForReaders
))]
async fn list_devices(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<DeviceQuery>,
) -> Result<Json<RmmDevices>> {
    let only = reader.narrowed(query.company_id.as_deref())?;
    let online = match query.status.as_deref() {
        Some("online") => Some(true),
        Some("offline") => Some(false),
        _ => None,
    };
    let limit = Some(paging::limit(query.limit, 100, MAX_LIMIT));
    let selection = Selection { only: only.as_deref(), online, limit, ..Selection::default() };
    let devices: Vec<RmmDeviceItem> =
        rmm_devices::list(&codex.pool, selection).await?.iter().map(RmmDeviceItem::from).collect();
    Ok(Json(RmmDevices { count: devices.len(), devices }))
}

/// What is built in; `null` where nobody knows.
#[derive(Default, Serialize, ToSchema)]
struct Hardware {
    cpu: Option<String>,
    ram_gb: Option<f64>,
    disk_gb: Option<f64>,
}

/// How busy it is, in per cent; `null` where nobody knows.
#[derive(Default, Serialize, ToSchema)]
struct Health {
    /// The RMM does not tell.
    cpu_usage: Option<f64>,
    /// The RMM does not tell.
    ram_usage: Option<f64>,
    /// Of all disks together, at the last inventory.
    disk_usage: Option<f64>,
}

/// A device with what the RMM's last inventory found. What is unknown is `null`.
#[derive(Serialize, ToSchema)]
struct RmmDeviceDetail {
    #[serde(flatten)]
    device: RmmDeviceItem,
    /// Build, where the system's name ends with one.
    os_version: Option<String>,
    mac_address: Option<String>,
    domain: Option<String>,
    antivirus: Option<String>,
    /// As the vendor writes it.
    patch_status: Option<String>,
    /// `up_to_date`, `missing_patches`, `reboot_required`, `failed` or `unknown`.
    patch_state: &'static str,
    /// `workstation`, `laptop`, `server`, `network_device`, `mobile`, `virtual_machine` or `other`.
    device_class: &'static str,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_reboot: Option<DateTime<Utc>>,
    /// `null` when the RMM did not answer; empty when it has none.
    installed_software: Option<Vec<Software>>,
    hardware: Hardware,
    health: Health,
    /// Name of the RMM.
    provider: Option<String>,
}

/// One device.
#[utoipa::path(get, path = "/api/rmm/device/{device_id}", tag = "rmm",
    params(("device_id" = String, Path, description = "`device-<asset id>`")),
    responses(
        (status = 200, body = RmmDeviceDetail),
        (status = 400, description = "Not of the form `device-<number>`"),
        (status = 404, description = "No such device"), ForReaders
    )
)]
async fn get_device(
    State(codex): State<Codex>,
    reader: Reader,
    Path(device_id): Path<String>,
) -> Result<Json<RmmDeviceDetail>> {
    let device = find(&codex, &device_id).await?;
    reader.may_see(Some(&device.company_id))?;
    // A customer spends none of our requests at the vendor.
    let audit = if reader.is_staff().is_ok() { inventory(&codex, &device).await } else { None };
    Ok(Json(detail(&device, audit)))
}

/// The device of an id `device-<asset id>`.
///
/// # Errors
/// 400 for another form, 404 for an unknown one.
pub(super) async fn find(codex: &Codex, device_id: &str) -> Result<StoredDevice> {
    let refused = |text: &'static str| Problem::new(StatusCode::BAD_REQUEST).error(text);
    let id = device_id.strip_prefix("device-").ok_or_else(|| refused("Invalid device ID format"))?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused("Invalid device ID"));
    }
    let missing = || {
        Problem::not_found(format!("Device {device_id} does not exist.")).with("error", "Device not found")
    };
    // A number too big for an id is the id of no device.
    let id: i64 = id.parse().map_err(|_| missing())?;
    rmm_devices::find(&codex.pool, id).await?.ok_or_else(missing)
}

/// The provider of a device and its uid there.
pub(super) fn provider(codex: &Codex, device: &StoredDevice) -> Option<(Arc<dyn RmmProvider>, String)> {
    let uid = device.external_id.clone()?;
    let provider = codex.sync.vendors().rmm.get(Some(device.provider.as_deref()?)).ok()?;
    Some((provider, uid))
}

async fn inventory(codex: &Codex, device: &StoredDevice) -> Option<DeviceAudit> {
    let (provider, uid) = provider(codex, device)?;
    match tokio::time::timeout(PATIENCE, provider.audit(&uid)).await {
        Ok(Ok(audit)) => audit,
        Ok(Err(error)) => {
            tracing::debug!(%error, device = device.id, "no inventory");
            None
        }
        Err(_) => {
            tracing::debug!(device = device.id, "no inventory in time");
            None
        }
    }
}

/// Two decimals.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[expect(clippy::cast_precision_loss, reason = "bytes shown with two decimals of a gibibyte")]
fn detail(device: &StoredDevice, audit: Option<DeviceAudit>) -> RmmDeviceDetail {
    let gib = |bytes: u64| rounded(bytes as f64 / GIB);
    let known = audit.is_some();
    let audit = audit.unwrap_or_default();
    let used = audit.disk_bytes.zip(audit.disk_free_bytes).filter(|(size, _)| *size > 0);
    RmmDeviceDetail {
        os_version: device.operating_system.as_deref().and_then(asset::build).map(str::to_owned),
        mac_address: audit.mac_address,
        domain: device.domain.clone(),
        antivirus: device.antivirus.clone(),
        patch_state: asset::patch_state(device.patch_status.as_deref()),
        patch_status: device.patch_status.clone(),
        device_class: asset::class(device.device_type.as_deref()),
        last_reboot: device.last_reboot,
        installed_software: known.then_some(audit.software),
        hardware: Hardware {
            cpu: audit.cpu,
            ram_gb: audit.ram_bytes.map(gib),
            disk_gb: audit.disk_bytes.map(gib),
        },
        health: Health {
            disk_usage: used
                .map(|(size, free)| rounded((size - free.min(size)) as f64 / size as f64 * 100.0)),
            ..Health::default()
        },
        provider: device.provider.clone(),
        device: RmmDeviceItem::from(device),
    }
}
