//! The list of devices as JSON and as a file, and what its filters leave (codex-pages.md §5.1).

use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::{ActingUser, UserOnly},
    extract::{Json, LenientQuery},
    pages::format,
    problem::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Counts, csv, filled, yes_or_no};
use crate::{
    Codex,
    domain::{
        listing::{ListQuery, Listing, Pagination},
        web_address::is_web_address,
    },
    routes::api::{reader::Reader, refusals::ForUsers},
    store::asset_list::{self, AssetRow, SORT_KEYS, Selection},
};

/// What narrows the list beside the search.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filters {
    /// Only devices of the company with this account number.
    pub company: Option<String>,
    /// Only devices of this kind, as `hardware_type` has it.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `1`: only those online; `0`: only those offline. Of some nobody knows.
    online: Option<String>,
    /// Only devices with this patch status.
    patch: Option<String>,
}

impl Filters {
    /// What is listed.
    pub fn selection<'a>(&'a self, reader: &'a Reader) -> Selection<'a> {
        Selection {
            only: reader.scope.account_numbers(),
            company: filled(&self.company),
            kind: filled(&self.kind),
            online: yes_or_no(&self.online),
            patch: filled(&self.patch),
        }
    }
}

/// Who may not take a device over does not learn where.
pub fn without_links(mut assets: Vec<AssetRow>, user: &ActingUser) -> Vec<AssetRow> {
    for asset in &mut assets {
        asset.web_remote_url = asset
            .web_remote_url
            .take()
            .filter(|link| user.permission_level.may_edit() && is_web_address(link));
    }
    assets
}

/// A page of devices.
#[derive(Serialize, ToSchema)]
pub struct FoundAssets {
    success: bool,
    assets: Vec<AssetRow>,
    pagination: Pagination,
}

/// Devices whose host name, description, site or company contains the search.
#[utoipa::path(get, path = "/assets/api/search", tag = "assets", params(ListQuery, Filters), responses(
    (status = 200, body = FoundAssets),
    ForUsers
))]
pub async fn search(
    State(codex): State<Codex>,
    UserOnly(user): UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<FoundAssets>> {
    let listing = Listing::new(query, SORT_KEYS);
    let found = asset_list::page(&codex.pool, filters.selection(&reader), &listing).await?;
    let pagination = Pagination::of(&listing, found.total);
    Ok(Json(FoundAssets { success: true, assets: without_links(found.items, &user), pagination }))
}

/// How many devices each choice of each filter of the page leaves, with the search and the other filters as they are.
#[utoipa::path(get, path = "/assets/api/counts", tag = "assets", params(ListQuery, Filters), responses(
    (status = 200, body = Counts), ForUsers
))]
pub async fn counts(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<Counts>> {
    let listing = Listing::new(query, SORT_KEYS);
    let found = asset_list::counts(&codex.pool, filters.selection(&reader), &listing.search).await?;
    Ok(Json(found.into()))
}

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or_default()
}

/// Columns of the file: those of the page, without what only its buttons need.
const HEADINGS: [&str; 12] = [
    "Hostname",
    "Company",
    "Type",
    "OS",
    "Antivirus",
    "Internal IP",
    "External IP",
    "Domain",
    "Last User",
    "Last Seen",
    "Patch Status",
    "Status",
];

/// All devices of a list as a file.
#[utoipa::path(get, path = "/assets/export.csv", tag = "assets", params(ListQuery, Filters), responses(
    (status = 200, description = "One line a device; `page` and `per_page` are ignored", body = String, content_type = "text/csv"),
    ForUsers
))]
pub async fn export(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Response> {
    let _turn = codex.turn(1).await?;
    let listing = Listing::new(query, SORT_KEYS).whole();
    let found = asset_list::rows(&codex.pool, filters.selection(&reader), &listing).await?;
    let seen: Vec<String> =
        found.iter().map(|asset| asset.last_seen.map(format::iso_z).unwrap_or_default()).collect();
    let rows = found.iter().zip(&seen).map(|(asset, seen)| {
        vec![
            asset.hostname.as_str(),
            &asset.company_name,
            text(&asset.hardware_type),
            text(&asset.operating_system),
            text(&asset.antivirus_product),
            text(&asset.int_ip_address),
            text(&asset.ext_ip_address),
            text(&asset.domain),
            text(&asset.last_logged_in_user),
            seen,
            text(&asset.patch_status),
            match asset.online {
                Some(true) => "Online",
                Some(false) => "Offline",
                None => "Unknown",
            },
        ]
    });
    Ok(csv::file("assets", &HEADINGS, rows))
}
