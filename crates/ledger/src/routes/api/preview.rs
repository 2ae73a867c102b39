//! What a bill would be with settings that are not saved yet.

use axum::extract::State;
use hivematrix_shared::{
    auth::BillingOnly,
    extract::{Json, Path},
    problem::Result,
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    account,
    archive::money,
    compare::maybe,
    invalid, members,
    month::{Month, MonthQuery},
};
use crate::{
    Ledger,
    bills::{BillError, Material},
    domain::{
        billing::{
            NoBill, compute,
            inputs::{TypeOverride, TypeOverrides},
        },
        changes::{ASSET_TYPES, ClientConditions, Invalid, USER_TYPES, added, form, form::Form},
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(preview))
}

/// What a bill is, and what it would be.
#[derive(Serialize, ToSchema)]
struct Preview {
    /// Total with what is stored; null where there is no bill.
    #[serde(serialize_with = "maybe")]
    #[schema(value_type = Option<f64>)]
    current: Option<Decimal>,
    /// Total with what was sent.
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    preview: Decimal,
    /// The difference.
    #[serde(serialize_with = "maybe")]
    #[schema(value_type = Option<f64>)]
    change: Option<Decimal>,
}

/// What the bill of a month would be with the fields of the settings page, without saving anything. A card counts when its fields
/// are there: `per_user_cost` for the rates, `asset_billing_type_<id>` for devices, `user_billing_type_<id>` for people. So do a
/// device, a person and a line item that are about to be added, once they have a name and what they cost
/// (`manual_asset_hostname`, `manual_user_name`, `line_item_name` and the fields beside them); a line item with the `id` of one
/// that is there takes its place.
#[utoipa::path(
    post, path = "/api/billing/{account_number}/preview", tag = "bills", request_body = Value,
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery),
    responses(
        (status = 200, body = Preview),
        (status = 400, description = "A field is wrong; `fields` says what with each"),
        (status = 404, description = "Codex knows no such company"),
        (status = 422, description = "There would be no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn preview(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
    Json(body): Json<Value>,
) -> Result<Json<Preview>> {
    let fields = members(body)?;
    let material = ledger.bills.material(account(&account_number)?, period).await?;
    let current = material.bill().ok().map(|bill| bill.receipt.total.decimal());
    let preview = total(&material, &fields).map_err(|fault| invalid(&fault))?.map_err(BillError::from)?;
    Ok(Json(Preview { current, preview, change: current.map(|current| preview - current) }))
}

fn total(
    material: &Material,
    fields: &Form,
) -> std::result::Result<std::result::Result<Decimal, NoBill>, Invalid> {
    let mut inputs = material.inputs();
    let mut faults = Invalid::default();
    let mut conditions = ClientConditions::default();
    if let Err(found) = conditions.fill(fields) {
        faults.0.extend(found.0);
    }
    let own = conditions.in_force();
    let mut types = |prefix, ids: Vec<i64>, known: &[&'static str]| {
        form::type_changes(fields, prefix, ids.into_iter(), known)
            .map(|changes| (!changes.is_empty()).then(|| overrides(changes)))
            .unwrap_or_else(|found| {
                faults.0.extend(found.0);
                None
            })
    };
    let assets = types("asset", inputs.assets.iter().filter_map(|asset| asset.id).collect(), &ASSET_TYPES);
    let users = types("user", inputs.contacts.iter().filter_map(|contact| contact.id).collect(), &USER_TYPES);
    let asset = taken(added::coming_asset(fields), &mut faults);
    let user = taken(added::coming_user(fields), &mut faults);
    let item = taken(added::coming_item(fields), &mut faults);
    if !faults.0.is_empty() {
        return Err(faults);
    }
    let manual_assets = [inputs.manual_assets, asset.as_slice()].concat();
    let manual_users = [inputs.manual_users, user.as_slice()].concat();
    let mut line_items = inputs.line_items.to_vec();
    if let Some(item) = item {
        match line_items.iter_mut().find(|known| item.id.is_some() && known.id == item.id) {
            Some(known) => *known = item,
            None => line_items.push(item),
        }
    }
    (inputs.manual_assets, inputs.manual_users, inputs.line_items) =
        (&manual_assets, &manual_users, &line_items);
    if fields.contains_key("per_user_cost") {
        inputs.client_override = Some(&own);
    }
    if let Some(assets) = &assets {
        inputs.asset_overrides = assets;
    }
    if let Some(users) = &users {
        inputs.user_overrides = users;
    }
    Ok(compute(&inputs).map(|bill| bill.receipt.total.decimal()))
}

/// What is about to be added; faults go to the others.
fn taken<T>(row: std::result::Result<Option<T>, Invalid>, faults: &mut Invalid) -> Option<T> {
    row.unwrap_or_else(|found| {
        faults.0.extend(found.0);
        None
    })
}

fn overrides(changes: Vec<(i64, Option<crate::domain::changes::TypeChange>)>) -> TypeOverrides {
    let rows = changes.into_iter().filter_map(|(id, change)| {
        let change = change?;
        Some(TypeOverride {
            id: Some(id),
            billing_type: Some(change.billing_type.to_owned()),
            custom_cost: change.custom_cost,
        })
    });
    rows.collect()
}
