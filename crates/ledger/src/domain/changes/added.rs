//! Rows that the settings of a client add: their forms, and what such a row is on a bill.

use super::{
    fields::Invalid,
    form::{Form, field, line_item, renamed, renamed_faults},
    rows::{ItemChange, NewManualAsset, NewManualUser, TypeChange},
};
use crate::domain::billing::inputs::{LineItem, ManualAsset, ManualUser};

/// Fields of the form and the members they are: name, type, cost, notes.
type Names = [(&'static str, &'static str); 4];

const ASSET: Names = [
    ("manual_asset_hostname", "hostname"),
    ("manual_asset_billing_type", "billing_type"),
    ("manual_asset_custom_cost", "custom_cost"),
    ("manual_asset_notes", "notes"),
];
const USER: Names = [
    ("manual_user_name", "full_name"),
    ("manual_user_billing_type", "billing_type"),
    ("manual_user_custom_cost", "custom_cost"),
    ("manual_user_notes", "notes"),
];

/// A device that Codex does not know.
///
/// # Errors
/// Says what is wrong with each field.
pub fn manual_asset(form: &Form) -> Result<NewManualAsset, Invalid> {
    let asset = NewManualAsset::read(&renamed(form, &ASSET)).map_err(|fault| faults(fault, form, &ASSET))?;
    needs_cost(&asset.billing, &ASSET)?;
    Ok(asset)
}

/// A person whom Codex does not know.
///
/// # Errors
/// Says what is wrong with each field.
pub fn manual_user(form: &Form) -> Result<NewManualUser, Invalid> {
    let user = NewManualUser::read(&renamed(form, &USER)).map_err(|fault| faults(fault, form, &USER))?;
    needs_cost(&user.billing, &USER)?;
    Ok(user)
}

fn faults(fault: Option<Invalid>, form: &Form, names: &Names) -> Invalid {
    let mut faults = fault.map(|fault| renamed_faults(fault, names)).unwrap_or_default();
    for (name, _) in names.iter().take(2) {
        if field(form, name).is_empty() {
            faults.0.insert((*name).to_owned(), "is needed".to_owned());
        }
    }
    faults
}

fn needs_cost(billing: &TypeChange, names: &Names) -> Result<(), Invalid> {
    if billing.billing_type == "Custom" && billing.custom_cost.is_none() {
        let fault = (names[2].0.to_owned(), "is needed for the type Custom".to_owned());
        return Err(Invalid([fault].into()));
    }
    Ok(())
}

/// What a form that is being filled in says, where that is enough to have a cost: somebody who has only typed a name has made no
/// mistake.
fn coming<T>(
    form: &Form,
    names: &Names,
    read: impl FnOnce(&Form) -> Result<T, Invalid>,
) -> Result<Option<T>, Invalid> {
    let is_empty = |place: usize| field(form, names[place].0).is_empty();
    let needs_cost = field(form, names[1].0).eq_ignore_ascii_case("Custom");
    let is_ready = !is_empty(0) && (!needs_cost || !is_empty(2));
    is_ready.then(|| read(form)).transpose()
}

/// The manual device that is about to be added, as a bill would have it.
///
/// # Errors
/// Says what is wrong with each field.
pub fn coming_asset(form: &Form) -> Result<Option<ManualAsset>, Invalid> {
    let asset = coming(form, &ASSET, manual_asset)?;
    Ok(asset.map(|NewManualAsset { hostname, billing, .. }| ManualAsset {
        id: None,
        hostname: Some(hostname),
        billing_type: Some(billing.billing_type.to_owned()),
        custom_cost: billing.custom_cost,
    }))
}

/// The manual person who is about to be added, as a bill would have it.
///
/// # Errors
/// Says what is wrong with each field.
pub fn coming_user(form: &Form) -> Result<Option<ManualUser>, Invalid> {
    let user = coming(form, &USER, manual_user)?;
    Ok(user.map(|NewManualUser { full_name, billing, .. }| ManualUser {
        id: None,
        full_name: Some(full_name),
        billing_type: Some(billing.billing_type.to_owned()),
        custom_cost: billing.custom_cost,
    }))
}

/// The line item that is about to be added, or to take the place of the one whose number is in the field `id`.
///
/// # Errors
/// Says what is wrong with each field.
pub fn coming_item(form: &Form) -> Result<Option<LineItem>, Invalid> {
    let fee = match field(form, "line_item_type") {
        "one_off" => "line_item_one_off_fee",
        "yearly" => "line_item_yearly_fee",
        _ => "line_item_recurring_fee",
    };
    if field(form, "line_item_name").is_empty() || field(form, fee).is_empty() {
        return Ok(None);
    }
    let id = field(form, "id").parse().ok();
    Ok(Some(billed(line_item(form)?, id)))
}

/// A line item as bills read it.
pub fn billed(item: ItemChange, id: Option<i64>) -> LineItem {
    LineItem {
        id,
        name: Some(item.name),
        description: item.description,
        monthly_fee: item.monthly_fee,
        one_off_fee: item.one_off_fee,
        one_off_year: item.one_off_year.map(Into::into),
        one_off_month: item.one_off_month.map(Into::into),
        yearly_fee: item.yearly_fee,
        yearly_bill_month: item.yearly_bill_month.map(Into::into),
        first_month: item.first_month,
        last_month: item.last_month,
    }
}
