//! `GET /assets/`: the list of devices (codex-pages.md §5.1), as a page, as JSON and as a file.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, Response},
};
use hivematrix_shared::{
    auth::{ActingUser, PermissionLevel, UserOnly},
    extract::{Json, LenientQuery},
    pages::Page,
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    asset::patch_badge,
    list::{self, Choice, Column, Filter, ListView},
    parts::{self, Moment},
};
use crate::{
    Codex,
    domain::listing::{ListQuery, Listing, Pagination},
    routes::api::{reader::Reader, refusals::ForUsers},
    store::asset_list::{self, AssetRow, Counted, SORT_KEYS, Selection},
};

const COLUMNS: &[Column] = &[
    Column::fixed("Hostname", Some("hostname")),
    Column::optional("Company", Some("company"), "assets_column_company"),
    Column::optional("Type", Some("hardware_type"), "assets_column_type"),
    Column::optional("OS", Some("operating_system"), "assets_column_os"),
    Column::optional("Antivirus", Some("antivirus_product"), "assets_column_antivirus").unless_asked(),
    Column::optional("Internal IP", Some("int_ip_address"), "assets_column_int_ip").unless_asked(),
    Column::optional("External IP", Some("ext_ip_address"), "assets_column_ext_ip").unless_asked(),
    Column::optional("Domain", Some("domain"), "assets_column_domain").unless_asked(),
    Column::optional("Last User", Some("last_logged_in_user"), "assets_column_last_user"),
    Column::optional("Last Seen", Some("last_seen"), "assets_column_last_seen").unless_asked(),
    Column::optional("Patch Status", Some("patch_status"), "assets_column_patch_status").unless_asked(),
    Column::optional("Status", Some("online"), "assets_column_status").class("text-center"),
    Column::optional("Remote Access", None, "assets_column_remote").class("text-center"),
];

/// What narrows the list beside the search.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filters {
    /// Only devices of the company with this account number.
    company: Option<String>,
    /// Only devices of this kind, as `hardware_type` has it.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `1`: only those online; `0`: only those offline.
    online: Option<String>,
    /// Only devices with this patch status.
    patch: Option<String>,
}

impl Filters {
    fn selection<'a>(&'a self, reader: &'a Reader) -> Selection<'a> {
        fn filled(value: &Option<String>) -> Option<&str> {
            value.as_deref().map(str::trim).filter(|value| !value.is_empty() && !value.contains('\0'))
        }
        Selection {
            only: reader.scope.account_numbers(),
            company: filled(&self.company),
            kind: filled(&self.kind),
            online: match self.online.as_deref() {
                Some("1") => Some(true),
                Some("0") => Some(false),
                _ => None,
            },
            patch: filled(&self.patch),
        }
    }
}

/// A row as the page shows it.
struct Row {
    asset: AssetRow,
    last_seen: Option<Moment>,
}

impl Row {
    /// Class of the badge and words for the patch status.
    fn patches(&self) -> Option<(&'static str, &str)> {
        self.asset.patch_status.as_deref().filter(|status| !status.is_empty()).map(patch_badge)
    }
}

#[derive(Template)]
#[template(path = "assets.html")]
struct AssetsPage {
    page: Page,
    list: ListView,
    rows: Vec<Row>,
    may_edit: bool,
}

fn may_edit(user: &ActingUser) -> bool {
    matches!(user.permission_level, PermissionLevel::Admin | PermissionLevel::Technician)
}

/// Who may not take a device over does not learn where.
fn without_links(mut assets: Vec<AssetRow>, user: &ActingUser) -> Vec<AssetRow> {
    for asset in &mut assets {
        asset.web_remote_url =
            asset.web_remote_url.take().filter(|link| may_edit(user) && parts::is_web_link(link));
    }
    assets
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    UserOnly(user): UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
    page: Page,
) -> Result<Html<String>> {
    let listing = Listing::new(query, SORT_KEYS);
    let selection = filters.selection(&reader);
    let found = asset_list::page(&codex.pool, selection, &listing).await?;
    let values = asset_list::values(&codex.pool, selection.only).await?;
    let company = parts::company_filter(&codex.pool, selection.only, filters.company.as_deref()).await?;
    let html = AssetsPage {
        list: ListView {
            address: format!("{}/assets/", page.prefix),
            one: "device",
            many: "devices",
            placeholder: "Host name, description, site or company",
            nothing_yet: "They appear here after the first sync with your RMM.".to_owned(),
            columns: COLUMNS,
            filters: filters_of(company, &values, selection),
            toggles: Vec::new(),
            pagination: Pagination::of(&listing, found.total),
            listing,
        },
        rows: without_links(found.items, &user)
            .into_iter()
            .map(|asset| Row { last_seen: Moment::maybe(asset.last_seen), asset })
            .collect(),
        may_edit: may_edit(&user),
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}

/// Filters with a choice; one that all rows share is none.
fn filters_of(company: Filter, values: &[Counted], selection: Selection<'_>) -> Vec<Filter> {
    let filter = |of: &str, name, label, all, chosen: Option<&str>| {
        let choices = values.iter().filter(|value| value.of == of).map(|value| Choice {
            value: value.value.clone(),
            label: if of == "patch" { patch_badge(&value.value).1.to_owned() } else { value.value.clone() },
            count: Some(value.count),
        });
        Filter { name, label, all, choices: choices.collect(), chosen: chosen.unwrap_or_default().to_owned() }
    };
    let kind = filter("kind", "type", "Type", "All types", selection.kind);
    let patch = filter("patch", "patch", "Patch status", "Any patch status", selection.patch);
    let online = Filter {
        name: "online",
        label: "Status",
        all: "Online or not",
        choices: vec![
            Choice { value: "1".into(), label: "Online".into(), count: None },
            Choice { value: "0".into(), label: "Offline".into(), count: None },
        ],
        chosen: selection
            .online
            .map_or_else(String::new, |online| if online { "1".into() } else { "0".into() }),
    };
    [company, kind, online, patch]
        .into_iter()
        .filter(|filter| filter.choices.len() > 1 || !filter.chosen.is_empty())
        .collect()
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
    (status = 200, body = FoundAssets), ForUsers
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

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or_default()
}

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
    let seen: Vec<String> = found
        .iter()
        .map(|asset| asset.last_seen.map(hivematrix_shared::pages::format::iso_z).unwrap_or_default())
        .collect();
    let headings: Vec<_> =
        COLUMNS.iter().map(|column| column.heading).filter(|name| *name != "Remote Access").collect();
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
            if asset.online == Some(true) { "Online" } else { "Offline" },
        ]
    });
    Ok(list::csv("assets", &headings, rows))
}
