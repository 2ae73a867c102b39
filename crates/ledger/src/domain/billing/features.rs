//! What the plan includes. Shown, never charged (rule 9).

use indexmap::IndexMap;

use super::{inputs::FeatureOverride, plan::Plan};

/// Features that are listed for every company.
const LISTED: [&str; 6] =
    ["antivirus", "soc", "password_manager", "sat", "email_security", "network_management"];

/// What a feature is that the plan does not have.
const NOT_INCLUDED: &str = "Not Included";

/// The features of a company.
#[derive(Clone, Debug, Default)]
pub(super) struct Features<'a> {
    /// What each is.
    pub effective: IndexMap<&'a str, &'a str>,
    /// How they are called.
    pub display_names: Option<&'a IndexMap<String, Option<String>>>,
    /// Those that were agreed on beside the plan.
    pub overridden: IndexMap<&'a str, bool>,
}

/// The features of a plan, if the caller has it, and of the company's own rows. Other features of the plan are left out;
/// those of rows are not.
pub(super) fn of<'a>(plan: Option<&'a Plan>, rows: &'a [FeatureOverride]) -> Features<'a> {
    let included =
        |key: &str| plan.and_then(|plan| plan.features.get(key)?.as_deref()).unwrap_or(NOT_INCLUDED);
    let mut features = Features {
        effective: LISTED.iter().map(|key| (*key, included(key))).collect(),
        display_names: plan.map(|plan| &plan.feature_display_names),
        overridden: IndexMap::new(),
    };
    for row in rows.iter().filter(|row| row.override_enabled) {
        if let (Some(key), Some(value)) =
            (&row.feature_type, row.value.as_deref().filter(|value| !value.is_empty()))
        {
            features.effective.insert(key, value);
            features.overridden.insert(key, true);
        }
    }
    features
}
