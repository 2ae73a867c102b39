//! The forms of a client's settings (ledger-pages.md §5): every field is a text, and what is not ticked is not there.

use serde_json::{Map, Value};

use super::{
    client::{ClientConditions, NUMBERS},
    fields::{Fields, Invalid},
    rows::{ItemChange, ItemKind, TypeChange},
};
use crate::domain::billing::number::{Hours, Money};

/// The fields of a form.
pub type Form = Map<String, Value>;

/// A field, without blanks around it; empty where there is none.
pub fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).and_then(Value::as_str).map(str::trim).unwrap_or_default()
}

fn is_ticked(form: &Form, name: &str) -> bool {
    !matches!(field(form, name), "" | "0" | "false" | "off")
}

impl ClientConditions {
    /// Takes the whole card of the rates. A value that is not enabled is kept, an empty one is none.
    ///
    /// # Errors
    /// Says what is wrong with each field.
    pub fn fill(&mut self, form: &Form) -> Result<(), Invalid> {
        let mut fields = Fields::of(form);
        let mut filled = Self::default();
        for (slot, name, flag) in [
            (&mut filled.billing_plan, "billing_plan", "override_billing_plan_enabled"),
            (&mut filled.support_level, "support_level", "override_support_level_enabled"),
        ] {
            slot.value = fields.text(name, 100).flatten();
            slot.enabled = is_ticked(form, flag);
            if slot.enabled && slot.value.is_none() {
                fields.refuse(name, "must be chosen to be enabled");
            }
        }
        for (number, slot) in NUMBERS.iter().zip(&mut filled.numbers) {
            slot.value = if number.is_quantity {
                fields.prepaid(number.name).flatten().map(Hours::decimal)
            } else {
                fields.rate(number.name).flatten().map(Money::decimal)
            };
            slot.enabled = is_ticked(form, number.flag);
        }
        *self = fields.done(filled)?;
        Ok(())
    }
}

/// The types of single devices or people: fields `<prefix>_billing_type_<id>` and `<prefix>_custom_cost_<id>` of these ids. An
/// empty type is none. Ids that the form does not have are left out.
///
/// # Errors
/// Says what is wrong with each field.
pub fn type_changes(
    form: &Form,
    prefix: &str,
    ids: impl Iterator<Item = i64>,
    known: &[&'static str],
) -> Result<Vec<(i64, Option<TypeChange>)>, Invalid> {
    let mut fields = Fields::of(form);
    let mut changes = Vec::new();
    for id in ids {
        let (kind, cost) = (format!("{prefix}_billing_type_{id}"), format!("{prefix}_custom_cost_{id}"));
        let Some(billing_type) = fields.choice(&kind, known) else { continue };
        let custom_cost = fields.rate(&cost).flatten();
        if billing_type == Some("Custom") && custom_cost.is_none() {
            fields.refuse(&cost, "is needed for the type Custom");
        }
        let change = billing_type.map(|billing_type| TypeChange {
            billing_type,
            custom_cost: custom_cost.filter(|_| billing_type == "Custom"),
        });
        changes.push((id, change));
    }
    fields.done(changes)
}

/// The features: fields `feature_<key>` and `feature_<key>_enabled` of these keys. What is not enabled or empty ends the override.
///
/// # Errors
/// Says what is wrong with each field.
pub fn features<'a>(
    form: &Form,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Vec<(&'a str, Option<String>)>, Invalid> {
    let mut fields = Fields::of(form);
    let mut changes = Vec::new();
    for key in keys {
        let name = format!("feature_{key}");
        if !fields.has(&name) {
            continue;
        }
        let value = fields.text(&name, 100).flatten();
        let enabled = is_ticked(form, &format!("feature_{key}_enabled"));
        if enabled && value.is_none() {
            fields.refuse(&name, "must be chosen to be enabled");
        }
        changes.push((key, value.filter(|_| enabled)));
    }
    fields.done(changes)
}

/// A row for a manual device or person, as the API's body has it: names of the form and of the body.
pub fn renamed(form: &Form, names: &[(&str, &str)]) -> Form {
    names.iter().filter_map(|(of, to)| Some(((*to).to_owned(), form.get(*of)?.clone()))).collect()
}

/// Faults of a body as faults of the form's fields.
pub fn renamed_faults(faults: Invalid, names: &[(&str, &str)]) -> Invalid {
    let of = |to: &str| names.iter().find(|(_, known)| *known == to).map_or(to, |(of, _)| of).to_owned();
    Invalid(faults.0.into_iter().map(|(to, fault)| (of(&to), fault)).collect())
}

/// The fields of a new line item and the members they are, by its kind.
const RECURRING: [(&str, &str); 5] = [
    ("line_item_name", "name"),
    ("line_item_description", "description"),
    ("line_item_recurring_fee", "monthly_fee"),
    ("line_item_first_month", "first_month"),
    ("line_item_last_month", "last_month"),
];
const ONE_OFF: [(&str, &str); 5] = [
    ("line_item_name", "name"),
    ("line_item_description", "description"),
    ("line_item_one_off_fee", "one_off_fee"),
    ("line_item_one_off_year", "one_off_year"),
    ("line_item_one_off_month", "one_off_month"),
];
const YEARLY: [(&str, &str); 4] = [
    ("line_item_name", "name"),
    ("line_item_description", "description"),
    ("line_item_yearly_fee", "yearly_fee"),
    ("line_item_yearly_month", "yearly_bill_month"),
];

/// A line item: a new one, or what becomes of one.
///
/// # Errors
/// Says what is wrong with each field.
pub fn line_item(form: &Form) -> Result<ItemChange, Invalid> {
    let (names, fee): (&[(&str, &str)], _) = match field(form, "line_item_type") {
        "recurring" => (&RECURRING, "line_item_recurring_fee"),
        "one_off" => (&ONE_OFF, "line_item_one_off_fee"),
        "yearly" => (&YEARLY, "line_item_yearly_fee"),
        _ => {
            let fault = ("line_item_type".to_owned(), "must be recurring, one_off or yearly".to_owned());
            return Err(Invalid([fault].into()));
        }
    };
    let mut faults = match ItemChange::read(&renamed(form, names)) {
        Ok(item) if !item.name.is_empty() => return Ok(item),
        Ok(_) => Invalid::default(),
        Err(faults) => renamed_faults(faults, names),
    };
    if field(form, "line_item_name").is_empty() {
        faults.0.insert("line_item_name".to_owned(), "is needed".to_owned());
    }
    // The rules name the first of three fees; the form has one.
    if faults.0.remove("monthly_fee").is_some() || field(form, fee).is_empty() {
        faults.0.insert(fee.to_owned(), "is needed, and must not be zero".to_owned());
    }
    Err(faults)
}

/// The fields of the form that make this line item.
pub fn of_line_item(item: &ItemChange) -> Form {
    let fee = |fee: Option<Money>| fee.map(|fee| format!("{:.2}", fee.decimal()));
    let number = |number: Option<i32>| number.map(|number| number.to_string());
    let kind = match item.kind() {
        ItemKind::Recurring => "recurring",
        ItemKind::OneOff => "one_off",
        ItemKind::Yearly => "yearly",
    };
    let fields = [
        ("line_item_type", Some(kind.to_owned())),
        ("line_item_name", Some(item.name.clone())),
        ("line_item_description", item.description.clone()),
        ("line_item_recurring_fee", fee(item.monthly_fee)),
        ("line_item_first_month", item.first_month.clone()),
        ("line_item_last_month", item.last_month.clone()),
        ("line_item_one_off_fee", fee(item.one_off_fee)),
        ("line_item_one_off_year", number(item.one_off_year)),
        ("line_item_one_off_month", number(item.one_off_month)),
        ("line_item_yearly_fee", fee(item.yearly_fee)),
        ("line_item_yearly_month", number(item.yearly_bill_month)),
    ];
    fields.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?)))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::changes::ASSET_TYPES;

    fn form(value: Value) -> Form {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_card_of_rates_is_taken_whole() {
        let mut conditions = ClientConditions::default();
        let given = form(json!({
            "per_user_cost": "21.35", "override_puc_enabled": "on", "per_vm_cost": "5", "prepaid_hours_monthly": "",
            "billing_plan": "Gold"
        }));
        conditions.fill(&given).unwrap();
        assert_eq!(conditions.in_force().rates[0].unwrap().to_string(), "21.35");
        assert_eq!(conditions.in_force().rates[3], None, "kept, not in force");
        assert_eq!(conditions.numbers[3].value, Some("5.00".parse().unwrap()));
        assert_eq!(conditions.billing_plan.value.as_deref(), Some("Gold"));

        let wrong =
            form(json!({"per_user_cost": "x", "per_vm_cost": "-1", "override_support_level_enabled": "on"}));
        let faults = conditions.fill(&wrong).unwrap_err();
        assert_eq!(faults.0.keys().collect::<Vec<_>>(), ["per_user_cost", "per_vm_cost", "support_level"]);
    }

    #[test]
    fn a_type_needs_its_cost_and_an_empty_one_is_none() {
        let given = form(json!({
            "asset_billing_type_1": "Server", "asset_custom_cost_1": "9", "asset_billing_type_2": "",
            "asset_billing_type_3": "Custom", "asset_custom_cost_3": "12.50"
        }));
        let changes = type_changes(&given, "asset", [1, 2, 3, 4].into_iter(), &ASSET_TYPES).unwrap();
        let told: Vec<_> = changes
            .iter()
            .map(|(id, change)| {
                (*id, change.as_ref().map(|change| (change.billing_type, change.custom_cost.is_some())))
            })
            .collect();
        assert_eq!(told, [(1, Some(("Server", false))), (2, None), (3, Some(("Custom", true)))]);
        let wrong = form(json!({"asset_billing_type_1": "Custom", "asset_billing_type_2": "Toaster"}));
        let faults = type_changes(&wrong, "asset", [1, 2].into_iter(), &ASSET_TYPES).unwrap_err();
        assert_eq!(faults.0.keys().collect::<Vec<_>>(), ["asset_billing_type_2", "asset_custom_cost_1"]);
    }

    #[test]
    fn a_new_item_has_one_kind_with_its_fee_and_time() {
        for (given, faults) in [
            (
                json!({"line_item_type": "recurring", "line_item_name": "Office", "line_item_recurring_fee": "62.5"}),
                &[][..],
            ),
            (
                json!({"line_item_type": "recurring", "line_item_name": "Office"}),
                &["line_item_recurring_fee"],
            ),
            (
                json!({"line_item_type": "yearly", "line_item_name": "SSL", "line_item_yearly_fee": "99"}),
                &["line_item_yearly_month"],
            ),
            (
                json!({"line_item_type": "one_off", "line_item_name": "", "line_item_one_off_fee": "x", "line_item_one_off_year": "2025"}),
                &["line_item_name", "line_item_one_off_fee"],
            ),
            (json!({"line_item_name": "Office"}), &["line_item_type"]),
        ] {
            let found: Vec<String> = line_item(&form(given.clone()))
                .err()
                .map(|faults| faults.0.into_keys().collect())
                .unwrap_or_default();
            assert_eq!(found, faults, "{given}");
        }
    }

    #[test]
    fn a_feature_counts_when_it_is_enabled_and_chosen() {
        let given =
            form(json!({"feature_soc": "Huntress", "feature_soc_enabled": "on", "feature_sat": "KnowBe4"}));
        let changes = features(&given, ["soc", "sat", "antivirus"].into_iter()).unwrap();
        assert_eq!(changes, [("soc", Some("Huntress".to_owned())), ("sat", None)]);
    }
}
