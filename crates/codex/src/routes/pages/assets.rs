//! `GET /assets/`: the list of assets (codex-pages.md §5.1).

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::UserOnly,
    extract::LenientQuery,
    pages::Page,
    problem::{Problem, Result},
};

use super::{
    asset::patch_badge,
    list::{Add, Column, Filter, ListView},
    parts::{self, Moment},
};
use crate::{
    Codex,
    domain::listing::{ListQuery, Listing, Pagination},
    routes::api::{
        lists::assets::{Filters, without_links},
        reader::Reader,
    },
    store::{
        Value,
        asset_list::{self, AssetRow, SORT_KEYS, Selection},
    },
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

/// A row as the page shows it.
struct Row {
    asset: AssetRow,
    last_seen: Option<Moment>,
}

impl Row {
    /// The operating system, whose maker nobody needs to read in a list.
    fn system(&self) -> Option<&str> {
        self.asset.operating_system.as_deref().map(|system| system.trim_start_matches("Microsoft "))
    }

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
    let company =
        parts::company_filter(&codex.pool, selection.only, None, filters.company.as_deref()).await?;
    let may_edit = user.permission_level.may_edit();
    let html = AssetsPage {
        list: ListView {
            title: "Assets",
            add: may_edit.then_some(Add { dialog: "asset-new", icon: "plus", label: "Add Asset" }),
            address: format!("{}/assets/", page.prefix),
            one: "asset",
            many: "assets",
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
        may_edit,
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}

fn filters_of(company: Filter, values: &[Value], selection: Selection<'_>) -> Vec<Filter> {
    let kinds = Value::of(values, "type").map(|kind| (kind.to_owned(), kind.to_owned()));
    let patches =
        Value::of(values, "patch").map(|status| (status.to_owned(), patch_badge(status).1.to_owned()));
    let kind = selection.kind.unwrap_or_default();
    let patch = selection.patch.unwrap_or_default();
    Filter::with_a_choice([
        company,
        Filter::new("type", "Type", "All types", kinds.collect(), kind),
        Filter::yes_or_no("online", "Status", "Online or not", ["Online", "Offline"], selection.online),
        Filter::new("patch", "Patch status", "Any patch status", patches.collect(), patch),
    ])
}
