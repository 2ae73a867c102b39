//! What a caller wants of a plan, checked field by field, so that all that is wrong is said at once.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    contract::canonical_term,
    features::{MOST, category_key},
    money,
    plans::{Features, OLD_FEATURES, PRICES, Plan, clean},
};

/// Longest plan name.
pub const NAME: usize = 100;
/// Longest term.
pub const TERM: usize = 50;
/// Longest support level.
pub const SUPPORT: usize = 100;
/// Longest category key, option and old feature text.
pub const OPTION: usize = 100;
/// Longest value of a plan's feature.
pub const VALUE: usize = 150;

/// Field → what is wrong with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Invalid(pub BTreeMap<String, String>);

impl Invalid {
    /// Notes what is wrong with a field, or gives its value.
    pub fn check<T, E: ToString>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.0.insert(field.to_owned(), error.to_string())).ok()
    }

    /// Notes what is wrong with a field.
    pub fn note(&mut self, field: &str, error: &str) {
        self.0.insert(field.to_owned(), error.to_owned());
    }

    /// Whether nothing is wrong.
    ///
    /// # Errors
    /// Itself, when something is.
    pub fn result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// All of it in one sentence.
    pub fn sentence(&self) -> String {
        let parts: Vec<_> = self.0.iter().map(|(field, error)| format!("{field} {error}")).collect();
        parts.join("; ")
    }
}

/// Changes of a plan's features: a value, or none to take the feature away.
pub type FeatureChanges = BTreeMap<String, Option<String>>;

/// Writes the members of a JSON object into a plan. Members that are absent or null change nothing; unknown ones are
/// ignored, as upstream does. Answers with the changes of its features.
///
/// # Errors
/// Every member that does not fit.
pub fn apply(plan: &mut Plan, given: &Map<String, Value>) -> Result<FeatureChanges, Invalid> {
    let mut invalid = Invalid::default();
    let given = |name: &str| given.get(name).filter(|value| !value.is_null());
    let text = |value: &Value, longest| match value {
        Value::String(text) => clean(text, longest),
        _ => Err("must be a text".to_owned()),
    };
    if let Some(name) = given("plan_name").or_else(|| given("billing_plan"))
        && let Some(name) = invalid.check("plan_name", text(name, NAME))
    {
        plan.plan_name = name;
    }
    if let Some(term) = given("term_length")
        && let Some(term) = invalid.check("term_length", text(term, TERM))
    {
        plan.term_length = canonical_term(&term).unwrap_or(term);
    }
    if let Some(level) = given("support_level")
        && let Some(level) = invalid.check("support_level", text(level, SUPPORT))
    {
        plan.support_level = level;
    }
    for (name, _) in PRICES {
        if let Some(amount) = given(name).and_then(|value| invalid.check(name, money::from_json(value)))
            && let Some(price) = plan.prices.named(name)
        {
            *price = amount;
        }
    }
    for name in OLD_FEATURES {
        if let Some(value) = given(name).and_then(|value| invalid.check(name, text(value, OPTION)))
            && let Some(old) = plan.old_features.named(name)
        {
            *old = value;
        }
    }
    let mut changes = FeatureChanges::new();
    match given("features") {
        Some(Value::Object(features)) => {
            for (key, value) in features {
                let field = format!("feature_{key}");
                let Some(key) = invalid.check(&field, feature_key(key)) else { continue };
                match value {
                    Value::Null => drop(changes.insert(key, None)),
                    Value::String(value) if value.trim().is_empty() => drop(changes.insert(key, None)),
                    value => {
                        if let Some(value) = invalid.check(&field, text(value, VALUE)) {
                            changes.insert(key, Some(value));
                        }
                    }
                }
            }
        }
        Some(_) => invalid.note("features", "must be an object"),
        None => {}
    }
    invalid.result().map(|()| changes)
}

/// The key of a category, typed as a key or as a name.
///
/// # Errors
/// In words for the field.
pub fn feature_key(typed: &str) -> Result<String, String> {
    let key = clean(typed, OPTION)?;
    category_key(&key).ok_or_else(|| "must have a letter or a digit".to_owned())
}

/// A plan's features after a change.
///
/// # Errors
/// When they become more than a plan may have.
pub fn changed(mut features: Features, changes: FeatureChanges) -> Result<Features, Invalid> {
    let before = features.len();
    for (key, value) in changes {
        match value {
            Some(value) => drop(features.insert(key, value)),
            None => drop(features.remove(&key)),
        }
    }
    let mut invalid = Invalid::default();
    if features.len() > MOST.max(before) {
        invalid.note("features", &format!("may be at most {MOST}"));
    }
    invalid.result().map(|()| features)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::plans::Prices;

    fn applied(given: Value) -> Result<(Plan, FeatureChanges), Vec<String>> {
        let mut plan = Plan::new("Gold", "1 Year", Prices::default());
        let changes = apply(&mut plan, given.as_object().unwrap());
        changes.map(|changes| (plan, changes)).map_err(|invalid| invalid.0.into_keys().collect())
    }

    #[test]
    fn members_that_are_given_change_and_the_others_stay() {
        let (plan, changes) = applied(json!({
            "billing_plan": " Silver ", "term_length": "2-years", "per_user_cost": 12.5, "per_vm_cost": null,
            "soc": "24x7", "features": {"SOC Watch": "Arctic Wolf", "sat": null, "mfa": " "}, "unknown": [],
        }))
        .unwrap();
        assert_eq!((plan.plan_name.as_str(), plan.term_length.as_str()), ("Silver", "2 Year"));
        assert_eq!(plan.prices.per_user_cost.to_string(), "12.5");
        assert_eq!((plan.old_features.soc.as_str(), plan.support_level.as_str()), ("24x7", "Billed Hourly"));
        let changes: Vec<_> = changes.into_iter().collect();
        assert_eq!(
            changes,
            [("mfa".into(), None), ("sat".into(), None), ("soc_watch".into(), Some("Arctic Wolf".into()))]
        );
    }

    #[test]
    fn nobody_offers_countless_features() {
        let numbered = |from: usize, to: usize| -> FeatureChanges {
            (from..to).map(|number| (format!("f{number}"), Some("x".to_owned()))).collect()
        };
        let full = changed(Features::new(), numbered(0, MOST)).unwrap();
        assert_eq!(full.len(), MOST);
        let too_many = changed(full.clone(), numbered(MOST, MOST + 1)).unwrap_err();
        assert_eq!(too_many.sentence(), "features may be at most 200");
        assert_eq!(changed(full.clone(), numbered(0, 1)).unwrap().len(), MOST, "what is there may change");
        let mut exchange = numbered(MOST, MOST + 1);
        exchange.insert("f0".to_owned(), None);
        assert_eq!(changed(full, exchange).unwrap().len(), MOST);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let wrong = applied(json!({
            "plan_name": " ", "term_length": 1, "per_user_cost": -1, "per_vm_cost": "a lot", "support_level": "\u{0}",
            "features": {" ": "x", "soc": 7, "sat": "fine"},
        }));
        assert_eq!(
            wrong.unwrap_err(),
            [
                "feature_ ",
                "feature_soc",
                "per_user_cost",
                "per_vm_cost",
                "plan_name",
                "support_level",
                "term_length"
            ]
        );
        assert_eq!(applied(json!({"features": []})).unwrap_err(), ["features"]);
    }
}
