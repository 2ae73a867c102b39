//! How backup and patches of a device stood over time (codex-pages.md §10).

use axum::extract::State;
use chrono::NaiveDate;
use hivematrix_shared::{
    auth::UserOnly,
    extract::{Json, Path},
    problem::Result,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{assets::no_such_asset, reader::Reader, refusals::ForReaders};
use crate::{
    Codex,
    domain::asset::patch_state,
    store::{
        asset_history::{self, KEPT_DAYS},
        assets,
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(history))
}

/// How it stood from a day on.
#[derive(Serialize, ToSchema)]
struct HistoryEntry {
    /// The first day of it, in UTC.
    #[schema(format = Date)]
    day: NaiveDate,
    /// Terabytes in the backup, as text with two places; `null` while none was reported.
    backup_usage_tb: Option<String>,
    /// How it stood with patches, in the RMM's words.
    patch_status: Option<String>,
    /// The same in ours: `up_to_date`, `missing_patches`, `reboot_required`, `failed` or `unknown`.
    patch_state: &'static str,
}

/// The history of a device.
#[derive(Serialize, ToSchema)]
struct AssetHistory {
    success: bool,
    asset_id: i64,
    hostname: String,
    /// Newest first; a day on which nothing was different has no entry.
    history: Vec<HistoryEntry>,
    /// How many days can be looked back.
    kept_days: i64,
}

/// Backup and patches of a device over time, one entry for each day on which they were not as before.
#[utoipa::path(get, path = "/assets/api/{id}/history", tag = "assets", params(("id" = i64, Path, description = "Codex's id")), responses(
    (status = 200, body = AssetHistory), (status = 404, description = "No such device"), ForReaders
))]
async fn history(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    Path(id): Path<i64>,
) -> Result<Json<AssetHistory>> {
    let found = assets::find(&codex.pool, id).await?.ok_or_else(no_such_asset)?;
    reader.may_see(Some(&found.company_id))?;
    let entries = asset_history::of(&codex.pool, id).await?;
    let history = entries.into_iter().map(|entry| HistoryEntry {
        day: entry.day,
        backup_usage_tb: entry.backup_usage_tb.map(|size| format!("{size:.2}")),
        patch_state: patch_state(entry.patch_status.as_deref()),
        patch_status: entry.patch_status,
    });
    Ok(Json(AssetHistory {
        success: true,
        asset_id: id,
        hostname: found.asset.hostname,
        history: history.collect(),
        kept_days: KEPT_DAYS,
    }))
}
