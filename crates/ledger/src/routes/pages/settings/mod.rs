//! `GET` and `POST /client/{account_number}/settings`: what differs from the plan for a client (ledger-pages.md §5).

mod rows;
mod save;
mod view;

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::BillingOnly,
    extract::{LenientQuery, Path},
    pages::{Page, flash::Flash},
    problem::Result,
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use rows::{OwnRow, TypedRow};
pub use save::save;
use view::{FeatureRow, RateRow, Refused};

use super::{
    failed,
    parts::{self, Currency, Flashes, MONTHS, Moment, path_part},
};
use crate::{
    Ledger,
    bills::Material,
    domain::{
        billing::{Plan, explain::Behind},
        changes::{ASSET_TYPES, USER_TYPES, form},
    },
    routes::api::account,
    store::{
        changes::{self, RateChange},
        client, features, items, manual,
        types::{self, Of},
    },
};

/// Changes that the page shows.
const CHANGES: i64 = 50;

/// What somebody changed.
struct ChangeRow {
    at: Moment,
    by: String,
    what: String,
    before: String,
    after: String,
}

impl ChangeRow {
    fn of(change: RateChange) -> Self {
        let table = match change.table_name.as_str() {
            "client_billing_overrides" => String::new(),
            "asset_billing_overrides" => format!("Device {}: ", change.row_id),
            "user_billing_overrides" => format!("User {}: ", change.row_id),
            "client_feature_overrides" => format!("Feature {}: ", change.row_id),
            "manual_assets" => format!("Manual asset {}: ", change.row_id),
            "manual_users" => format!("Manual user {}: ", change.row_id),
            "custom_line_items" => format!("Line item {}: ", change.row_id),
            other => format!("{} {}: ", parts::title_of(other), change.row_id),
        };
        let or_none =
            |value: Option<String>| value.filter(|value| !value.is_empty()).unwrap_or_else(|| "–".to_owned());
        Self {
            at: Moment::of(change.changed_at),
            by: change.changed_by,
            what: format!("{table}{}", parts::column_words(&change.column_name)),
            before: or_none(change.old_value),
            after: or_none(change.new_value),
        }
    }
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    page: Page,
    flashes: Vec<Flash>,
    company: String,
    account_number: String,
    path: String,
    total: Option<String>,
    why_no_total: String,
    rates: Vec<RateRow>,
    has_own_rates: bool,
    features: Vec<FeatureRow>,
    codex_features: bool,
    assets: Vec<TypedRow>,
    manual_assets: Vec<OwnRow>,
    users: Vec<TypedRow>,
    manual_users: Vec<OwnRow>,
    items: Vec<OwnRow>,
    /// The line item that is changed.
    edited: Option<i32>,
    sent: Refused,
    changes: Vec<ChangeRow>,
    year: i32,
    sign: String,
}

impl SettingsPage {
    /// What was sent in a field of a form that adds something.
    fn sent(&self, name: &str) -> &str {
        self.sent.form.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn fault(&self, name: &str) -> Option<String> {
        self.sent.fault(name)
    }

    /// Words of the faults that stand at no field.
    fn has_faults(&self) -> bool {
        !self.sent.faults.0.is_empty()
    }
}

/// What the address asks for.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SettingsQuery {
    /// The line item whose fields the form has.
    edit_item: Option<i32>,
}

/// The page.
pub async fn page(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
    LenientQuery(query): LenientQuery<SettingsQuery>,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let account_number = account(&account_number)?.to_owned();
    let mut sent = Refused::default();
    if let Some(id) = query.edit_item {
        let rows = items::list(&ledger.pool, Some(std::slice::from_ref(&account_number))).await?;
        if let Some(row) = rows.into_iter().find(|row| row.id == id) {
            sent.form = form::of_line_item(&row.item);
            sent.form.insert("id".to_owned(), id.to_string().into());
            sent.form.insert("action".to_owned(), "change_line_item".into());
        }
    }
    show(&ledger, page, flashes, &account_number, sent).await
}

/// The company with everything its bill of this month depends on.
async fn material(
    ledger: &Ledger,
    account_number: &str,
) -> std::result::Result<Material, crate::bills::BillError> {
    let now = ledger.bills.current_period();
    let period = now.ok_or_else(|| crate::bills::BillError::NoCompany(account_number.to_owned()))?;
    ledger.bills.material(account_number, period).await
}

/// The plan that holds for a company, whether there is a bill or not.
fn plan_of(material: &Material) -> Option<&Plan> {
    let name = material.plan_name()?;
    let term = material
        .data()
        .company
        .contract_term_length
        .as_deref()
        .map(str::trim)
        .filter(|term| !term.is_empty());
    let term = term.unwrap_or("Month to Month");
    material.inputs().plans.iter().find(|plan| plan.plan_name == name && plan.term_length == term)
}

async fn show(
    ledger: &Ledger,
    page: Page,
    flashes: Vec<Flash>,
    account_number: &str,
    sent: Refused,
) -> Result<Response> {
    let material = match material(ledger, account_number).await {
        Ok(material) => material,
        Err(error) => return failed(&page, error, account_number),
    };
    let currency = Currency::of(ledger).await?;
    let (pool, only) = (&ledger.pool, [account_number.to_owned()]);
    let ids: Vec<i64> = material.data().assets.iter().filter_map(|asset| asset.id).collect();
    let people: Vec<i64> = material.data().contacts.iter().filter_map(|contact| contact.id).collect();
    let stored = client::list(pool, Some(&only)).await?.into_iter().next().map(|(_, stored)| stored);
    let own_features: HashMap<String, String> = features::list(pool, Some(&only))
        .await?
        .into_iter()
        .filter(|row| row.override_enabled)
        .filter_map(|row| Some((row.feature_type, row.value?)))
        .collect();
    let codex = ledger.codex.features().await;
    let plan = plan_of(&material);
    let bill = material.bill();
    let (mut asset_costs, mut user_costs): (HashMap<i64, Decimal>, HashMap<i64, Decimal>) =
        Default::default();
    for line in bill.iter().flat_map(|bill| &bill.explain.lines) {
        match line.behind {
            Behind::ManualAsset { manual_asset_id: Some(id) } => {
                _ = asset_costs.insert(id, line.amount.decimal())
            }
            Behind::ManualUser { manual_user_id: Some(id) } => {
                _ = user_costs.insert(id, line.amount.decimal())
            }
            _ => {}
        }
    }
    let history = changes::list(pool, Some(account_number), None, CHANGES).await?;
    let has_flashes = !flashes.is_empty();
    let is_refused = !sent.faults.0.is_empty();
    let shown = SettingsPage {
        flashes,
        company: material.company_name().to_owned(),
        account_number: account_number.to_owned(),
        path: format!("/client/{}", path_part(account_number)),
        total: bill.as_ref().ok().map(|bill| currency.amount(bill.receipt.total.decimal())),
        why_no_total: bill.as_ref().err().map(ToString::to_string).unwrap_or_default(),
        rates: view::rates(&material, plan, &stored.clone().unwrap_or_default(), &sent, &currency),
        has_own_rates: stored.is_some(),
        codex_features: codex.is_ok(),
        features: view::features(&codex.unwrap_or_default(), plan, &own_features, &sent),
        assets: rows::assets(&material, &types::list(pool, Of::Assets, Some(&ids)).await?, &sent),
        users: rows::users(&material, &types::list(pool, Of::Users, Some(&people)).await?, &sent),
        manual_assets: rows::manual(
            manual::assets(pool, Some(&only)).await?,
            Of::Assets,
            &asset_costs,
            &currency,
        ),
        manual_users: rows::manual(
            manual::users(pool, Some(&only)).await?,
            Of::Users,
            &user_costs,
            &currency,
        ),
        items: rows::items(items::list(pool, Some(&only)).await?, &currency),
        edited: (form::field(&sent.form, "action") == "change_line_item")
            .then(|| form::field(&sent.form, "id").parse().ok())
            .flatten(),
        sent,
        changes: history.into_iter().map(ChangeRow::of).collect(),
        year: material.period().year(),
        sign: currency.sign(),
        page,
    };
    let mut response = parts::shown(&shown, has_flashes)?;
    if is_refused {
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
    }
    Ok(response)
}
