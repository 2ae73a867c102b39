//! Devices across companies (codex-api.md §4.2).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    contacts::CompanyQuery,
    paging::{self, MAX_LIMIT},
    reader::Reader,
    refusals::ForReaders,
};
use crate::{
    Codex,
    store::assets::{self, AssetWithCompany},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list_assets)).routes(routes!(get_asset))
}

/// A page of devices.
#[derive(Serialize, ToSchema)]
struct AssetPage {
    assets: Vec<AssetWithCompany>,
    /// Devices on this page.
    count: usize,
    /// Devices on all pages.
    total: i64,
    offset: i64,
    limit: i64,
}

/// Devices by company and host name.
#[utoipa::path(get, path = "/api/assets", tag = "assets", params(CompanyQuery), responses(
    (status = 200, body = AssetPage), ForReaders
))]
async fn list_assets(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<CompanyQuery>,
) -> Result<Json<AssetPage>> {
    let only = reader.narrowed(query.company_id.as_deref())?;
    let limit = paging::limit(query.limit, 50, MAX_LIMIT);
    let offset = paging::offset(query.offset);
    let page = assets::page(&codex.pool, only.as_deref(), limit, offset).await?;
    Ok(Json(AssetPage { count: page.items.len(), total: page.total, assets: page.items, offset, limit }))
}

/// One device.
#[utoipa::path(
    get,
    path = "/api/asset/{id}",
    tag = "assets",
    params(("id" = i64, Path, description = "Codex's id")),
    responses(
        (status = 200, body = AssetWithCompany), (status = 404, description = "No such device"), ForReaders
    )
)]
async fn get_asset(
    State(codex): State<Codex>,
    reader: Reader,
    Path(id): Path<i64>,
) -> Result<Json<AssetWithCompany>> {
    let asset = assets::find(&codex.pool, id).await?.ok_or_else(no_such_asset)?;
    reader.may_see(Some(&asset.company_id))?;
    Ok(Json(asset))
}

pub(crate) fn no_such_asset() -> Problem {
    Problem::not_found("This device does not exist.").with("error", "Asset not found")
}
