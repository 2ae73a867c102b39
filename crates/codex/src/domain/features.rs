//! Features of plans and companies: keys, names and what a company gets in the end (codex-api.md §10).

use std::collections::{BTreeMap, BTreeSet};

use hivematrix_shared::pages::format;
use serde::Serialize;
use utoipa::ToSchema;

/// What a plan without a feature offers; every category has this option.
pub const NOT_INCLUDED: &str = "Not Included";

/// Most features of a plan, and most that may be agreed with one company.
pub const MOST: usize = 200;

/// The key of a category from a typed name: lower case, spaces become underscores. None for a name without a letter.
pub fn category_key(name: &str) -> Option<String> {
    let key = name.to_lowercase().split_whitespace().collect::<Vec<_>>().join("_");
    key.chars().any(char::is_alphanumeric).then_some(key)
}

/// The name of a category nobody named: the words of its key, each with a capital.
pub fn title_of(key: &str) -> String {
    format::title_of(key, &['_'])
}

/// Where the value of a company's feature comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FeatureSource)]
pub enum Source {
    /// Its plan, or no plan offers it.
    Plan,
    /// Agreed with this company.
    Override,
}

/// A feature as a company has it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct EffectiveFeature {
    /// Key of the category.
    pub key: String,
    /// Name of the category.
    pub display_name: String,
    /// What the company gets; `Not Included` when it is nothing.
    pub value: String,
    /// Where that comes from.
    pub source: Source,
    /// What the plan alone would give; `Not Included` without a plan.
    pub plan_value: String,
}

/// The features of a company by name: every category in use, with the plan's value or what was agreed instead. `names` are
/// the display names of categories.
pub fn effective<'a>(
    categories: impl IntoIterator<Item = &'a str>,
    plan: &'a BTreeMap<String, String>,
    overrides: &'a BTreeMap<String, String>,
    names: &BTreeMap<String, String>,
) -> Vec<EffectiveFeature> {
    let keys: BTreeSet<&str> = categories
        .into_iter()
        .chain(plan.keys().map(String::as_str))
        .chain(overrides.keys().map(String::as_str))
        .collect();
    let filled = |value: Option<&String>| value.filter(|value| !value.is_empty()).cloned();
    let mut features: Vec<_> = keys
        .into_iter()
        .map(|key| {
            let agreed = filled(overrides.get(key));
            let plan_value = filled(plan.get(key)).unwrap_or_else(|| NOT_INCLUDED.to_owned());
            EffectiveFeature {
                key: key.to_owned(),
                display_name: names.get(key).cloned().unwrap_or_else(|| title_of(key)),
                source: if agreed.is_some() { Source::Override } else { Source::Plan },
                value: agreed.unwrap_or_else(|| plan_value.clone()),
                plan_value,
            }
        })
        .collect();
    features.sort_by_key(|feature| feature.display_name.to_lowercase());
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_name_becomes_a_key_and_a_key_a_name() {
        for (name, key, title) in [
            ("Web Filtering", Some("web_filtering"), "Web Filtering"),
            ("  Managed   SOC ", Some("managed_soc"), "Managed Soc"),
            ("mfa", Some("mfa"), "Mfa"),
            ("Größe", Some("größe"), "Größe"),
            (" - ", None, ""),
            ("", None, ""),
        ] {
            assert_eq!(category_key(name).as_deref(), key, "{name:?}");
            if let Some(key) = key {
                assert_eq!(title_of(key), title);
            }
        }
    }

    #[test]
    fn what_was_agreed_replaces_what_the_plan_gives() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let features = effective(
            ["sat", "soc"],
            &map(&[("soc", "Arctic Wolf"), ("antivirus", "EDR"), ("mfa", "")]),
            &map(&[("antivirus", "SentinelOne"), ("backup", "Off-site"), ("soc", "")]),
            &map(&[("soc", "SOC")]),
        );
        let actual: Vec<_> = features
            .iter()
            .map(|f| (f.display_name.as_str(), f.value.as_str(), f.source, f.plan_value.as_str()))
            .collect();
        assert_eq!(
            actual,
            [
                ("Antivirus", "SentinelOne", Source::Override, "EDR"),
                ("Backup", "Off-site", Source::Override, NOT_INCLUDED),
                ("Mfa", NOT_INCLUDED, Source::Plan, NOT_INCLUDED),
                ("Sat", NOT_INCLUDED, Source::Plan, NOT_INCLUDED),
                ("SOC", "Arctic Wolf", Source::Plan, "Arctic Wolf"),
            ]
        );
    }
}
