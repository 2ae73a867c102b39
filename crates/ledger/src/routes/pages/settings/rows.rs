//! Devices, people and line items in the settings of a client.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    super::parts::{self, Currency},
    view::Refused,
};
use crate::{
    bills::Material,
    domain::changes::{
        ItemKind,
        form::{self, Form},
    },
    store::{
        items::ItemRow,
        manual::ManualRow,
        types::{Of, TypeRow},
    },
};

/// A device or person of Codex with its type.
pub struct TypedRow {
    /// Codex's id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// What tells it from others.
    pub detail: String,
    /// What Codex says of its kind.
    pub kind: String,
    /// The type set for it; empty for none.
    pub value: String,
    /// Its cost.
    pub cost: String,
    /// What is wrong with the type.
    pub type_fault: Option<String>,
    /// What is wrong with the cost.
    pub cost_fault: Option<String>,
}

impl TypedRow {
    /// Whether something is set.
    pub fn is_overridden(&self) -> bool {
        !self.value.is_empty()
    }
}

fn typed(
    prefix: &str,
    id: i64,
    texts: (String, String, String),
    stored: &[TypeRow],
    refused: &Refused,
) -> TypedRow {
    let (name, detail, kind) = texts;
    let row = stored.iter().find(|row| row.id == id);
    let (type_field, cost_field) =
        (format!("{prefix}_billing_type_{id}"), format!("{prefix}_custom_cost_{id}"));
    let cost = row.and_then(|row| row.custom_cost).map(|cost| format!("{cost:.2}")).unwrap_or_default();
    TypedRow {
        id,
        name,
        detail,
        kind,
        value: refused
            .value(&type_field, row.and_then(|row| row.billing_type.as_deref()).unwrap_or_default()),
        cost: refused.value(&cost_field, &cost),
        type_fault: refused.fault(&type_field),
        cost_fault: refused.fault(&cost_field),
    }
}

/// The devices.
pub fn assets(material: &Material, stored: &[TypeRow], refused: &Refused) -> Vec<TypedRow> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let rows = material.data().assets.iter().filter_map(|asset| {
        let kind = text(&asset.device_type).or_else(|| text(&asset.hardware_type));
        let texts = (
            text(&asset.hostname).unwrap_or_else(|| "Unknown".to_owned()),
            String::new(),
            kind.unwrap_or_else(|| "Unknown".to_owned()),
        );
        Some(typed("asset", asset.id?, texts, stored, refused))
    });
    rows.collect()
}

/// The people; those who left are not billed.
pub fn users(material: &Material, stored: &[TypeRow], refused: &Refused) -> Vec<TypedRow> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let rows = material.data().contacts.iter().filter(|contact| contact.active != Some(false)).filter_map(
        |contact| {
            let member = |name: &str| -> Option<String> {
                let json: Value = serde_json::from_str(contact.json().get()).ok()?;
                json[name].as_str().map(str::to_owned).filter(|text| !text.is_empty())
            };
            let texts = (
                text(&contact.full_name)
                    .or_else(|| text(&contact.name))
                    .unwrap_or_else(|| "Unknown".to_owned()),
                contact.email.clone().flatten().unwrap_or_default(),
                member("employment_type").unwrap_or_else(|| "Full Time".to_owned()),
            );
            Some(typed("user", contact.id?, texts, stored, refused))
        },
    );
    rows.collect()
}

/// Something entered by hand.
pub struct OwnRow {
    /// Ledger's id.
    pub id: i32,
    /// Name.
    pub name: String,
    /// Billing type, or how often it is billed.
    pub kind: &'static str,
    /// Type as it is stored.
    pub stored: String,
    /// When it is billed.
    pub period: String,
    /// What it costs in this month.
    pub cost: String,
    /// The fields that add it again, as JSON: deleting it can be taken back.
    pub undo: String,
}

fn undo(action: &str, mut fields: Form) -> String {
    fields.insert("action".to_owned(), action.into());
    Value::Object(fields).to_string()
}

/// Devices or people entered by hand, with what they really cost in this month.
pub fn manual(
    rows: Vec<ManualRow>,
    of: Of,
    costs: &HashMap<i64, Decimal>,
    currency: &Currency,
) -> Vec<OwnRow> {
    let (action, name, prefix) = match of {
        Of::Assets => ("add_manual_asset", "manual_asset_hostname", "manual_asset"),
        Of::Users => ("add_manual_user", "manual_user_name", "manual_user"),
    };
    let again = |row: &ManualRow| {
        let cost = row.custom_cost.map(|cost| format!("{cost:.2}")).unwrap_or_default();
        let fields = [
            (name.to_owned(), row.name.clone()),
            (format!("{prefix}_billing_type"), row.billing_type.clone()),
            (format!("{prefix}_custom_cost"), cost),
            (format!("{prefix}_notes"), row.notes.clone().unwrap_or_default()),
        ];
        undo(action, fields.into_iter().map(|(name, text)| (name, text.into())).collect())
    };
    rows.into_iter()
        .map(|row| OwnRow {
            undo: again(&row),
            id: row.id,
            name: row.name,
            kind: "",
            stored: row.billing_type,
            period: String::new(),
            cost: costs.get(&i64::from(row.id)).map_or_else(|| "–".to_owned(), |cost| currency.amount(*cost)),
        })
        .collect()
}

/// Line items.
pub fn items(rows: Vec<ItemRow>, currency: &Currency) -> Vec<OwnRow> {
    rows.into_iter()
        .map(|row| {
            let item = row.item;
            let (kind, fee, mut period) = match item.kind() {
                ItemKind::Recurring => ("Recurring", item.monthly_fee, "Monthly".to_owned()),
                ItemKind::Yearly => (
                    "Yearly",
                    item.yearly_fee,
                    parts::month_name(item.yearly_bill_month.unwrap_or_default()).to_owned(),
                ),
                ItemKind::OneOff => {
                    let (year, month) =
                        (item.one_off_year.unwrap_or_default(), item.one_off_month.unwrap_or_default());
                    ("One-Off", item.one_off_fee, format!("{year:04}-{month:02}"))
                }
            };
            if let Some(first) = &item.first_month {
                period = format!("{period}, from {first}");
            }
            if let Some(last) = &item.last_month {
                period = format!("{period}, until {last}");
            }
            OwnRow {
                undo: undo("add_line_item", form::of_line_item(&item)),
                id: row.id,
                name: item.name,
                kind,
                stored: String::new(),
                period,
                cost: currency.amount(fee.unwrap_or_default().decimal()),
            }
        })
        .collect()
}
