//! What the settings of a client show: what is stored, or what was sent and could not be stored.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::super::parts::{self, Currency};
use crate::{
    bills::Material,
    domain::{
        billing::Plan,
        changes::{ClientConditions, Invalid, NUMBERS, form::Form},
    },
};

/// Features that every Codex has, with the names of the contract.
const FEATURES: [(&str, &str); 6] = [
    ("antivirus", "Antivirus"),
    ("soc", "SOC (Security Operations Center)"),
    ("password_manager", "Password Manager"),
    ("sat", "Security Awareness Training"),
    ("email_security", "Email Security"),
    ("network_management", "Network Management"),
];

/// Labels of the numbers, in the order of [`NUMBERS`], with their steps.
const LABELS: [(&str, &str); NUMBERS.len()] = [
    ("Per User Cost", "0.01"),
    ("Per Workstation Cost", "0.01"),
    ("Per Server Cost", "0.01"),
    ("Per VM Cost", "0.01"),
    ("Per Switch Cost", "0.01"),
    ("Per Firewall Cost", "0.01"),
    ("Per Hour Ticket Cost", "0.01"),
    ("Backup Base (Workstation)", "0.01"),
    ("Backup Base (Server)", "0.01"),
    ("Backup Included (TB)", "0.1"),
    ("Backup per TB Fee", "0.01"),
    ("Pre-paid Hours (Monthly)", "1"),
    ("Pre-paid Hours (Yearly)", "1"),
];

/// What was sent, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    /// The fields.
    pub form: Form,
    /// The faults.
    pub faults: Invalid,
}

impl Refused {
    /// The value of a field: what was sent, else what is stored.
    pub fn value(&self, name: &str, stored: &str) -> String {
        self.form.get(name).and_then(Value::as_str).unwrap_or(stored).to_owned()
    }

    /// Whether a box is ticked. `card` is a field of the same card that is always sent.
    fn ticked(&self, name: &str, card: &str, stored: bool) -> bool {
        if self.form.contains_key(card) { self.form.contains_key(name) } else { stored }
    }

    /// What is wrong with a field.
    pub fn fault(&self, name: &str) -> Option<String> {
        self.faults.0.get(name).cloned()
    }
}

/// A rate, or another condition.
pub struct RateRow {
    /// Words.
    pub label: &'static str,
    /// Field of the value.
    pub name: &'static str,
    /// Field of the box.
    pub flag: &'static str,
    /// What holds without it.
    pub default: String,
    /// The value.
    pub value: String,
    /// Whether it counts.
    pub enabled: bool,
    /// Step of a number; empty for a choice.
    pub step: &'static str,
    /// What can be chosen.
    pub choices: Vec<String>,
    /// What is wrong.
    pub fault: Option<String>,
}

/// The rows of the first card.
pub fn rates(
    material: &Material,
    plan: Option<&Plan>,
    stored: &ClientConditions,
    refused: &Refused,
    currency: &Currency,
) -> Vec<RateRow> {
    let own_plan =
        material.data().company.billing_plan.as_deref().map(str::trim).filter(|plan| !plan.is_empty());
    let row = |label, name, flag, default: String, value: &str, enabled, step, choices| RateRow {
        label,
        name,
        flag,
        default,
        value: refused.value(name, value),
        enabled: refused.ticked(flag, "per_user_cost", enabled),
        step,
        choices,
        fault: refused.fault(name),
    };
    let with = |mut known: Vec<String>, value: &Option<String>| {
        // What is stored stays a choice, also when Codex does not know it any more.
        if let Some(value) = value.as_ref().filter(|value| !known.contains(value)) {
            known.push(value.clone());
        }
        known
    };
    let mut plans: Vec<String> = material.inputs().plans.iter().map(|plan| plan.plan_name.clone()).collect();
    plans.sort_unstable();
    plans.dedup();
    let mut levels: Vec<String> =
        material.inputs().plans.iter().filter_map(Plan::support_level).map(str::to_owned).collect();
    levels.extend(["Billed Hourly".to_owned(), "Unlimited".to_owned()]);
    levels.sort_unstable();
    levels.dedup();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut rows = vec![
        row(
            "Assigned Plan",
            "billing_plan",
            "override_billing_plan_enabled",
            own_plan.unwrap_or("N/A").to_owned(),
            &text(&stored.billing_plan.value),
            stored.billing_plan.enabled,
            "",
            with(plans, &stored.billing_plan.value),
        ),
        row(
            "Support Level",
            "support_level",
            "override_support_level_enabled",
            plan.and_then(Plan::support_level).unwrap_or("N/A").to_owned(),
            &text(&stored.support_level.value),
            stored.support_level.enabled,
            "",
            with(levels, &stored.support_level.value),
        ),
    ];
    let named: HashMap<&str, _> = plan.into_iter().flat_map(Plan::named_rates).collect();
    for (((label, step), number), condition) in LABELS.into_iter().zip(NUMBERS).zip(&stored.numbers) {
        let rate = named.get(number.name).copied().unwrap_or_default();
        let default = if number.is_quantity {
            rate.decimal().normalize().to_string()
        } else {
            currency.amount(rate.decimal())
        };
        let value = condition.value.map(|value| value.normalize().to_string()).unwrap_or_default();
        rows.push(row(label, number.name, number.flag, default, &value, condition.enabled, step, Vec::new()));
    }
    rows
}

/// A feature.
pub struct FeatureRow {
    /// Key.
    pub key: String,
    /// Name.
    pub name: String,
    /// What the plan says.
    pub default: String,
    /// What was agreed on.
    pub value: String,
    /// Whether it counts.
    pub enabled: bool,
    /// What can be chosen.
    pub options: Vec<String>,
    /// What is wrong.
    pub fault: Option<String>,
}

/// Features with what Codex offers for them: those of every Codex, then those of this one.
pub fn features(
    codex: &(Value, Value),
    plan: Option<&Plan>,
    stored: &HashMap<String, String>,
    refused: &Refused,
) -> Vec<FeatureRow> {
    let (categories, options) = codex;
    let mut names: IndexMap<String, String> =
        FEATURES.iter().map(|(key, name)| ((*key).to_owned(), (*name).to_owned())).collect();
    let known = categories.as_array().into_iter().flatten().filter_map(Value::as_str);
    let of_plan = plan.into_iter().flat_map(|plan| plan.features.keys().map(String::as_str));
    for key in known.chain(of_plan).chain(stored.keys().map(String::as_str)) {
        if !names.contains_key(key) {
            let name = plan.and_then(|plan| plan.feature_display_names.get(key)?.clone());
            names.insert(key.to_owned(), name.unwrap_or_else(|| parts::title_of(key)));
        }
    }
    names
        .into_iter()
        .map(|(key, name)| {
            let (field, flag) = (format!("feature_{key}"), format!("feature_{key}_enabled"));
            let value = refused.value(&field, stored.get(&key).map(String::as_str).unwrap_or_default());
            let mut choices = options_of(options, &key);
            if !value.is_empty() && !choices.contains(&value) {
                choices.push(value.clone());
            }
            FeatureRow {
                default: plan
                    .and_then(|plan| plan.features.get(&key)?.clone())
                    .unwrap_or_else(|| "Not Included".to_owned()),
                enabled: refused.ticked(&flag, &field, stored.contains_key(&key)),
                fault: refused.fault(&field),
                options: choices,
                value,
                name,
                key,
            }
        })
        .collect()
}

/// What Codex offers for a feature: rows with category and value, or lists by category.
fn options_of(options: &Value, key: &str) -> Vec<String> {
    let value = |option: &Value| {
        ["option_value", "value", "display_name"]
            .iter()
            .find_map(|name| option[*name].as_str())
            .or(option.as_str())
            .map(str::to_owned)
    };
    let mut found: Vec<String> = match options {
        Value::Array(rows) => rows
            .iter()
            .filter(|row| row["feature_category"] == key || row["feature_type"] == key)
            .filter_map(value)
            .collect(),
        Value::Object(lists) => {
            lists.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(value).collect()
        }
        _ => Vec::new(),
    };
    found.dedup();
    found
}
