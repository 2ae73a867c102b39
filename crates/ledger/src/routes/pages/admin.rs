//! Administration: settings of the billing, kinds of devices, and who changed which rate (ledger-pages.md §7 and §10).

use askama::Template;
use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::{AdminOnly, BillingOnly, PermissionLevel},
    extract::LenientQuery,
    pages::{Page, flash::Flash},
    problem::Result,
};
use indexmap::{IndexMap, IndexSet};
use serde::Deserialize;
use serde_json::Value;

use super::{
    parts::{self, Flashes, Moment, path_part},
    pullers::StatusView,
};
use crate::{
    Ledger,
    domain::changes::ASSET_TYPES,
    store::{
        changes::{self, RateChange},
        device_types::{self, MappingRow},
        pullers::{self, PullerRow},
        settings::{self, BillingSettings},
    },
};

/// Changes on one page.
const CHANGES: i64 = 100;
/// Jobs whose last run the settings show.
const RECENT: usize = 5;
/// Companies named beside a kind without a billing type.
const EXAMPLES: usize = 4;

#[derive(Template)]
#[template(path = "admin/settings.html")]
struct SettingsPage {
    page: Page,
    flashes: Vec<Flash>,
    /// How many Codex has; nothing while it does not answer.
    plans: Option<usize>,
    options: Option<usize>,
    mappings: usize,
    pullers: usize,
    /// Jobs by their last run, the newest first.
    recent: Vec<RecentRun>,
    settings: BillingSettings,
}

/// The last run of a job.
struct RecentRun {
    id: i32,
    job: String,
    last: Option<Moment>,
    status: StatusView,
}

impl RecentRun {
    fn of(row: PullerRow) -> Self {
        Self {
            id: row.id,
            job: row.puller.job_name,
            last: Moment::maybe(row.last_run),
            status: StatusView::of(row.last_status.as_deref()),
        }
    }
}

impl SettingsPage {
    fn text(of: &Option<String>) -> &str {
        of.as_deref().unwrap_or_default()
    }
}

/// `GET /admin/settings`.
pub async fn settings_page(
    State(ledger): State<Ledger>,
    _: AdminOnly,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let (plans, features) = tokio::join!(ledger.codex.plans(), ledger.codex.features());
    let count = |value: &Value| match value {
        Value::Array(rows) => rows.len(),
        Value::Object(lists) => lists.values().filter_map(Value::as_array).map(Vec::len).sum(),
        _ => 0,
    };
    let names = |plans: &[crate::domain::billing::Plan]| {
        plans.iter().map(|plan| plan.plan_name.as_str()).collect::<IndexSet<_>>().len()
    };
    let mut pullers = pullers::list(&ledger.pool).await?;
    // Those that never ran come last.
    pullers.sort_by_key(|row| std::cmp::Reverse(row.last_run));
    let has_flashes = !flashes.is_empty();
    let shown = SettingsPage {
        flashes,
        pullers: pullers.len(),
        recent: pullers.into_iter().take(RECENT).map(RecentRun::of).collect(),
        plans: plans.ok().map(|plans| names(&plans)),
        options: features.ok().map(|(_, options)| count(&options)),
        mappings: device_types::list(&ledger.pool).await?.len(),
        settings: settings::load(&ledger.pool).await?,
        page,
    };
    parts::shown(&shown, has_flashes)
}

/// A kind of device that has no billing type.
struct Unmapped {
    /// The kind; empty where Codex knows none.
    kind: String,
    devices: usize,
    companies: Vec<(String, String)>,
    more: usize,
}

#[derive(Template)]
#[template(path = "admin/device_types.html")]
struct DeviceTypesPage {
    page: Page,
    flashes: Vec<Flash>,
    mappings: Vec<MappingRow>,
    /// Kinds without a billing type; nothing while Codex does not answer.
    unmapped: Option<Vec<Unmapped>>,
}

impl DeviceTypesPage {
    fn at(row: &MappingRow) -> Moment {
        Moment::of(row.updated_at)
    }
}

/// `GET /admin/device-types`, for all who bill.
pub async fn device_types_page(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let unmapped = match unmapped(&ledger).await {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::warn!(%error, "kinds of devices cannot be counted");
            None
        }
    };
    let has_flashes = !flashes.is_empty();
    let shown =
        DeviceTypesPage { flashes, mappings: device_types::list(&ledger.pool).await?, unmapped, page };
    parts::shown(&shown, has_flashes)
}

async fn unmapped(ledger: &Ledger) -> std::result::Result<Vec<Unmapped>, crate::bills::BillError> {
    let Some(period) = ledger.bills.current_period() else { return Ok(Vec::new()) };
    let mut each = ledger.bills.each(None, period).await?;
    let mut kinds: IndexMap<String, (usize, IndexMap<String, String>)> = IndexMap::new();
    while let Some(chunk) = each.next().await? {
        for material in chunk.materials.iter().filter(|material| !material.is_inactive()) {
            let Ok(bill) = material.bill() else { continue };
            for device in &bill.unmapped_devices {
                let kind = device.device_type.unwrap_or_default().trim().to_owned();
                let (devices, companies) = kinds.entry(kind).or_default();
                *devices += 1;
                companies
                    .entry(material.account_number().to_owned())
                    .or_insert_with(|| material.company_name().to_owned());
            }
        }
    }
    kinds.sort_by(|_, (a, _), _, (b, _)| b.cmp(a));
    let found = kinds.into_iter().map(|(kind, (devices, companies))| Unmapped {
        kind,
        devices,
        more: companies.len().saturating_sub(EXAMPLES),
        companies: companies
            .into_iter()
            .take(EXAMPLES)
            .map(|(number, name)| (path_part(&number), name))
            .collect(),
    });
    Ok(found.collect())
}

/// Which changes, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ChangesQuery {
    account_number: Option<String>,
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "admin/changes.html")]
struct ChangesPage {
    page: Page,
    is_admin: bool,
    account_number: String,
    rows: Vec<RateChange>,
    next: Option<i64>,
    is_first: bool,
}

impl ChangesPage {
    fn at(row: &RateChange) -> Moment {
        Moment::of(row.changed_at)
    }

    fn table(row: &RateChange) -> String {
        parts::title_of(&row.table_name)
    }

    fn column(row: &RateChange) -> String {
        parts::column_words(&row.column_name)
    }

    fn client(number: &str) -> String {
        path_part(number)
    }

    fn value(value: &Option<String>) -> &str {
        value.as_deref().filter(|value| !value.is_empty()).unwrap_or("–")
    }
}

/// `GET /admin/changes`: who changed which rate from what to what, for all who bill.
pub async fn changes_page(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    LenientQuery(query): LenientQuery<ChangesQuery>,
    page: Page,
) -> Result<Response> {
    let number = query
        .account_number
        .as_deref()
        .map(str::trim)
        .filter(|number| !number.contains('\0'))
        .unwrap_or_default();
    let only = Some(number).filter(|number| !number.is_empty());
    let rows = changes::list(&ledger.pool, only, query.before, CHANGES).await?;
    let next = rows.last().map(|row| row.id).filter(|_| i64::try_from(rows.len()) == Ok(CHANGES));
    let shown = ChangesPage {
        is_admin: caller.level() == Some(PermissionLevel::Admin),
        account_number: number.to_owned(),
        is_first: query.before.is_none(),
        next,
        rows,
        page,
    };
    parts::shown(&shown, false)
}
