//! What the page shows, put together from a fixed number of queries.

use std::collections::{BTreeMap, BTreeSet};

use hivematrix_shared::problem::Result;
use rust_decimal::Decimal;
use serde_json::json;

use crate::{
    Codex,
    domain::{
        features::NOT_INCLUDED,
        plan_badge,
        plans::{Features, INACTIVE, PRICES, Plan, SUPPORT_LEVELS},
    },
    routes::api::reader::Reader,
    store::{
        feature_options::{self, AllDependents, Dependents, FeatureOption, Selection},
        plan_usage::Usage,
        plans,
    },
};

/// What was read.
pub(super) struct Data {
    plans: Vec<Plan>,
    features: BTreeMap<i64, Features>,
    options: Vec<FeatureOption>,
    names: BTreeMap<String, String>,
    used: AllDependents,
    usage: Usage,
    /// Whether all companies are seen, not only a customer's own.
    pub(super) whole: bool,
}

/// A plan with all its terms.
pub(super) struct PlanCard {
    pub(super) name: String,
    /// Where links to the plan lead.
    pub(super) anchor: String,
    pub(super) open: bool,
    pub(super) companies: usize,
    pub(super) badge: &'static str,
    /// Support levels of its terms, one after another.
    pub(super) support: String,
    pub(super) terms: Vec<TermRow>,
    /// What the dialogs of this plan need to know.
    pub(super) fill: String,
}

/// A term of a plan.
pub(super) struct TermRow {
    pub(super) id: i64,
    pub(super) term: String,
    pub(super) companies: usize,
    pub(super) support: Vec<Choice>,
    pub(super) prices: Vec<Price>,
    pub(super) features: Vec<FeatureCell>,
}

/// A number of a plan.
pub(super) struct Price {
    pub(super) name: &'static str,
    pub(super) heading: &'static str,
    pub(super) value: String,
    pub(super) step: &'static str,
}

/// A feature of a plan.
pub(super) struct FeatureCell {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) choices: Vec<Choice>,
}

/// Something to choose.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// A category with its options.
pub(super) struct CategoryCard {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) options: Vec<OptionRow>,
    /// What the dialogs of this category need to know.
    pub(super) fill: String,
}

/// An option.
pub(super) struct OptionRow {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) description: String,
    pub(super) used: Dependents,
    /// `Not Included` stays as it is.
    pub(super) fixed: bool,
    pub(super) fill: String,
}

/// A plan that companies have and that has no prices.
pub(super) struct Unlisted {
    pub(super) name: String,
    /// Empty when the plan is not listed at all.
    pub(super) terms: String,
    pub(super) companies: usize,
}

impl Data {
    pub(super) async fn load(codex: &Codex, reader: &Reader) -> Result<Self> {
        let own = reader.scope.account_numbers();
        let usage = Usage::load(&codex.pool, own).await?;
        let mut found = plans::list(&codex.pool, plans::Selection::default()).await?;
        if own.is_some() {
            let keys: BTreeSet<_> = usage.keys().cloned().collect();
            found.retain(|plan| keys.contains(&(plan.plan_name.clone(), plan.term_length.clone())));
        }
        let ids: Vec<i64> = found.iter().map(|plan| plan.id).collect();
        let features = plans::features(&codex.pool, &ids).await?;
        let mut options = feature_options::list(&codex.pool, Selection::default()).await?;
        let mut names = feature_options::categories(&codex.pool).await?;
        if own.is_some() {
            // What else there is to buy is not for customers.
            options.clear();
            names.retain(|key, _| features.values().any(|of_plan| of_plan.contains_key(key)));
        }
        Ok(Self {
            features,
            plans: found,
            options,
            names,
            used: AllDependents::load(&codex.pool).await?,
            usage,
            whole: own.is_none(),
        })
    }

    /// Plan names, each once.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.plans.iter().map(|plan| plan.plan_name.clone()).collect();
        names.dedup();
        names
    }

    /// The plans whose name contains a text; one may be open.
    pub(super) fn plans(&self, search: &str, open: Option<&str>) -> Vec<PlanCard> {
        let search = search.to_lowercase();
        let found: Vec<String> =
            self.names().into_iter().filter(|name| name.to_lowercase().contains(&search)).collect();
        let only = found.len() == 1;
        found.into_iter().map(|name| self.plan(name, only, open)).collect()
    }

    fn plan(&self, name: String, only: bool, open: Option<&str>) -> PlanCard {
        let rows: Vec<&Plan> = self.plans.iter().filter(|plan| plan.plan_name == name).collect();
        let companies = self.usage.count(&name, None);
        let levels: BTreeSet<&str> = rows.iter().map(|row| row.support_level.as_str()).collect();
        let terms: Vec<&str> = rows.iter().map(|row| row.term_length.as_str()).collect();
        let fill = json!({"plan_name": name, "source_term": terms, "companies": people(companies), "used": companies > 0});
        PlanCard {
            open: only || open == Some(name.as_str()),
            companies,
            badge: plan_badge::class(&name),
            support: levels.into_iter().collect::<Vec<_>>().join(", "),
            terms: rows.into_iter().map(|row| self.term(row)).collect(),
            fill: fill.to_string(),
            anchor: format!("plan-{}", encoded(&name)),
            name,
        }
    }

    fn term(&self, plan: &Plan) -> TermRow {
        let none = Features::new();
        let features = self.features.get(&plan.id).unwrap_or(&none);
        TermRow {
            id: plan.id,
            companies: self.usage.count(&plan.plan_name, Some(&plan.term_length)),
            support: choices(SUPPORT_LEVELS.map(|level| (level, level)), &plan.support_level),
            prices: PRICES.map(|(name, heading)| price(plan, name, heading)).into(),
            features: self
                .names
                .iter()
                .map(|(key, name)| self.feature(key, name, features.get(key)))
                .collect(),
            term: plan.term_length.clone(),
        }
    }

    fn feature(&self, key: &str, name: &str, value: Option<&String>) -> FeatureCell {
        let of_category = self.options.iter().filter(|option| option.feature_category == key);
        let offered = of_category
            .map(|option| (option.option_value.as_str(), option.label()))
            .filter(|(value, _)| *value != NOT_INCLUDED);
        let all = [(NOT_INCLUDED, NOT_INCLUDED)].into_iter().chain(offered);
        FeatureCell {
            key: key.to_owned(),
            name: name.to_owned(),
            choices: choices(all, value.map_or(NOT_INCLUDED, String::as_str)),
        }
    }

    /// The categories with their options.
    pub(super) fn categories(&self) -> Vec<CategoryCard> {
        if !self.whole {
            return Vec::new();
        }
        let mut keys: Vec<(&String, &String)> = self.names.iter().collect();
        keys.sort_by_key(|(_, name)| name.to_lowercase());
        keys.into_iter().map(|(key, name)| self.category(key, name)).collect()
    }

    fn category(&self, key: &str, name: &str) -> CategoryCard {
        let options: Vec<&FeatureOption> =
            self.options.iter().filter(|option| option.feature_category == key).collect();
        let values: Vec<&str> = options.iter().map(|option| option.option_value.as_str()).collect();
        let used = self.used.of(key, None);
        let fill = json!({
            "action": format!("features/categories/{}/", encoded(key)), "feature_type": key, "category_name": name, "name": name,
            "used": !used.none(), "users": used.words(),
        });
        CategoryCard {
            options: options.iter().map(|option| self.option(option, &values)).collect(),
            key: key.to_owned(),
            name: name.to_owned(),
            fill: fill.to_string(),
        }
    }

    fn option(&self, option: &FeatureOption, values: &[&str]) -> OptionRow {
        let used = self.used.of(&option.feature_category, Some(&option.option_value));
        let others = values.iter().filter(|value| **value != option.option_value && **value != NOT_INCLUDED);
        let others: Vec<&str> = [NOT_INCLUDED].into_iter().chain(others.copied()).collect();
        let description = option.description.clone().unwrap_or_default();
        let fill = json!({
            "action": format!("features/{}/", option.id), "option_name": option.label(), "description": description,
            "name": option.label(), "replace_with": others, "used": !used.none(),
            "users": used.words(),
        });
        OptionRow {
            label: option.label().to_owned(),
            value: option.option_value.clone(),
            description,
            used,
            fixed: option.option_value == NOT_INCLUDED,
            fill: fill.to_string(),
        }
    }

    /// What companies have and the list of plans does not: whole plans, and terms of plans.
    pub(super) fn unlisted(&self) -> Vec<Unlisted> {
        if !self.whole {
            return Vec::new();
        }
        let listed: BTreeSet<(&str, &str)> =
            self.plans.iter().map(|plan| (plan.plan_name.as_str(), plan.term_length.as_str())).collect();
        let names: BTreeSet<&str> = listed.iter().map(|(name, _)| *name).collect();
        let mut unlisted: BTreeMap<&str, Unlisted> = BTreeMap::new();
        for (name, term) in self.usage.keys() {
            if listed.contains(&(name.as_str(), term.as_str())) || name.eq_ignore_ascii_case(INACTIVE) {
                continue;
            }
            let companies = self.usage.count(name, Some(term));
            let entry = unlisted.entry(name).or_insert_with(|| Unlisted {
                name: name.clone(),
                terms: String::new(),
                companies: 0,
            });
            entry.companies += companies;
            if names.contains(name.as_str()) {
                let comma = if entry.terms.is_empty() { "" } else { ", " };
                entry.terms.push_str(&format!("{comma}{term}"));
            }
        }
        unlisted.into_values().collect()
    }
}

fn price(plan: &Plan, name: &'static str, heading: &'static str) -> Price {
    let value = plan.prices.clone().named(name).copied().unwrap_or_default();
    let fine = name != "backup_included_tb" || (value * Decimal::TEN).fract() != Decimal::ZERO;
    let value = if fine { format!("{value:.2}") } else { value.normalize().to_string() };
    Price { name, heading, value, step: if fine { "0.01" } else { "0.1" } }
}

/// All that is offered, and the present value where that is something else.
fn choices<'a>(offered: impl IntoIterator<Item = (&'a str, &'a str)>, chosen: &str) -> Vec<Choice> {
    let of = |value: &str, label: &str| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen: value == chosen,
    };
    let mut choices: Vec<_> = offered.into_iter().map(|(value, label)| of(value, label)).collect();
    if !choices.iter().any(|choice| choice.chosen) {
        choices.push(of(chosen, chosen));
    }
    choices
}

fn people(companies: usize) -> String {
    match companies {
        0 => "No company has it.".to_owned(),
        1 => "1 company has it.".to_owned(),
        _ => format!("{companies} companies have it."),
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_value_is_always_a_choice() {
        let of = |chosen| {
            let choices = choices([("a", "A"), ("b", "B")], chosen);
            choices.into_iter().filter(|choice| choice.chosen).map(|choice| choice.label).collect::<Vec<_>>()
        };
        assert_eq!([of("a"), of("z")], [["A"], ["z"]]);
    }

    #[test]
    fn prices_are_written_with_cents_and_terabytes_without() {
        let plan = Plan::in_all_terms("x").into_iter().next().unwrap();
        assert_eq!(price(&plan, "per_hour_ticket_cost", "").value, "90.00");
        let terabytes = price(&plan, "backup_included_tb", "");
        assert_eq!((terabytes.value.as_str(), terabytes.step), ("1", "0.1"));
        let mut odd = plan.clone();
        odd.prices.backup_included_tb = Decimal::new(125, 2);
        let terabytes = price(&odd, "backup_included_tb", "");
        assert_eq!((terabytes.value.as_str(), terabytes.step), ("1.25", "0.01"));
    }

    #[test]
    fn keys_are_safe_in_addresses() {
        assert_eq!(encoded("soc_2/ü"), "soc_2%2F%C3%BC");
    }
}
