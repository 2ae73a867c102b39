//! The file in which plans travel between installations (codex-api.md §10), ours and the original's.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    plan_changes::{self, OPTION, feature_key},
    plans::{Features, Plan, Prices, clean},
};

/// Largest part of a wrong name that is told.
const SHOWN: usize = 60;

/// An option in a file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct OptionRecord {
    /// Key of its category.
    pub feature_category: String,
    /// Its name.
    pub option_value: String,
    /// How it is shown, where that is something else.
    pub display_name: Option<String>,
    /// What it is.
    pub description: Option<String>,
}

/// A record, or what to call it and why it cannot be taken.
pub type Record<T> = Result<T, (String, String)>;

/// A file that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanFile {
    /// Its options.
    pub options: Vec<Record<OptionRecord>>,
    /// Its plans with their features.
    pub plans: Vec<Record<(Plan, Features)>>,
}

/// Reads a file. Records that do not fit are kept with the reason.
///
/// # Errors
/// When it is no such file at all, in words.
pub fn read(bytes: &[u8]) -> Result<PlanFile, String> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value =
        serde_json::from_slice(text).map_err(|error| format!("The file is not JSON: {error}."))?;
    let Value::Object(document) = document else {
        return Err("The file must hold a JSON object with `plans` and `feature_options`.".to_owned());
    };
    read_document(&document)
}

/// As [`read`], of a document that is JSON already.
///
/// # Errors
/// When it is no such document at all, in words.
pub fn read_document(document: &Map<String, Value>) -> Result<PlanFile, String> {
    let list = |key: &str| document.get(key).and_then(Value::as_array);
    let (Some(plans), Some(options)) = (list("plans"), list("feature_options")) else {
        return Err(refusal(document));
    };
    let options = options.iter().enumerate();
    let plans = plans.iter().enumerate();
    Ok(PlanFile {
        options: options
            .map(|(at, value)| option(value).map_err(|error| (name_of_option(at, value), error)))
            .collect(),
        plans: plans
            .map(|(at, value)| plan(value).map_err(|error| (name_of_plan(at, value), error)))
            .collect(),
    })
}

fn refusal(document: &Map<String, Value>) -> String {
    let count = |key: &str| match document.get(key) {
        Some(Value::Array(list)) => Some(format!("`{key}` with {} entries", list.len())),
        Some(Value::Object(list)) => Some(format!("`{key}` with {} entries", list.len())),
        _ => None,
    };
    let older: Vec<_> = ["default_plans_data", "default_features"].into_iter().filter_map(count).collect();
    if older.is_empty() {
        "The file must have the lists `plans` and `feature_options`, as an export has.".to_owned()
    } else {
        format!(
            "The file has the older form ({}), which cannot be imported. Export the plans again where they are in use: \
             an export has the lists `plans` and `feature_options`.",
            older.join(", ")
        )
    }
}

fn option(value: &Value) -> Result<OptionRecord, String> {
    let Value::Object(option) = value else { return Err("must be an object".to_owned()) };
    let category = required(option, "feature_category", OPTION)?;
    Ok(OptionRecord {
        feature_category: feature_key(&category).map_err(|error| format!("feature_category {error}"))?,
        option_value: required(option, "option_value", OPTION)?,
        display_name: optional(option, "display_name", 150)?,
        description: optional(option, "description", 10_000)?,
    })
}

fn plan(value: &Value) -> Result<(Plan, Features), String> {
    let Value::Object(given) = value else { return Err("must be an object".to_owned()) };
    for name in ["plan_name", "term_length"] {
        if given.get(name).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
            return Err(format!("{name} is missing"));
        }
    }
    let mut plan = Plan::new("", "", Prices::default());
    let changes = plan_changes::apply(&mut plan, given).map_err(|invalid| invalid.sentence())?;
    let features = plan_changes::changed(Features::new(), changes).map_err(|invalid| invalid.sentence())?;
    Ok((plan, features))
}

fn required(record: &Map<String, Value>, name: &str, longest: usize) -> Result<String, String> {
    optional(record, name, longest)?.ok_or_else(|| format!("{name} is missing"))
}

/// A text; empty is none. Line breaks and tabs belong to descriptions, other control characters to nothing.
fn optional(record: &Map<String, Value>, name: &str, longest: usize) -> Result<Option<String>, String> {
    match record.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) if name == "description" => {
            let plain = text.replace(['\n', '\r', '\t'], " ");
            clean(&plain, longest).map_err(|error| format!("{name} {error}"))?;
            Ok(Some(text.clone()))
        }
        Some(Value::String(text)) => {
            clean(text, longest).map(Some).map_err(|error| format!("{name} {error}"))
        }
        Some(_) => Err(format!("{name} must be a text")),
    }
}

fn name_of_option(at: usize, value: &Value) -> String {
    named("Option", at, value, "feature_category", "option_value")
}

fn name_of_plan(at: usize, value: &Value) -> String {
    named("Plan", at, value, "plan_name", "term_length")
}

/// `Plan 3 (Gold, 1 Year)`.
fn named(kind: &str, at: usize, value: &Value, first: &str, second: &str) -> String {
    let member = |name: &str| {
        let text = value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| text.chars().filter(|c| !c.is_control()).take(SHOWN).collect::<String>())
    };
    let names: Vec<_> = [member(first), member(second)].into_iter().flatten().collect();
    let number = at + 1;
    if names.is_empty() {
        format!("{kind} {number}")
    } else {
        format!("{kind} {number} ({})", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_read_one_by_one() {
        let file = read(
            json!({
                "plans": [
                    {"plan_name": "Gold", "term_length": "1-Year", "per_user_cost": 10, "features": {"soc": "A"}},
                    {"plan_name": "Gold"},
                    {"plan_name": "Gold", "term_length": "2 Year", "per_user_cost": "free", "per_vm_cost": -1},
                    "Gold",
                ],
                "feature_options": [
                    {"feature_category": "SOC Watch", "option_value": "A", "display_name": "Alpha", "description": "a\nb"},
                    {"feature_category": "soc"},
                    {"feature_category": "soc", "option_value": 7},
                ],
            })
            .to_string()
            .as_bytes(),
        )
        .unwrap();
        let (plan, features) = file.plans[0].clone().unwrap();
        assert_eq!((plan.term_length.as_str(), features["soc"].as_str()), ("1 Year", "A"));
        let option = file.options[0].clone().unwrap();
        assert_eq!(
            (option.feature_category.as_str(), option.description.as_deref()),
            ("soc_watch", Some("a\nb"))
        );
        let errors = |errors: Vec<(String, String)>| -> Vec<String> {
            errors.into_iter().map(|(name, error)| format!("{name}: {error}")).collect()
        };
        assert_eq!(
            errors(file.plans.into_iter().filter_map(Result::err).collect()),
            [
                "Plan 2 (Gold): term_length is missing",
                "Plan 3 (Gold, 2 Year): per_user_cost must be a number; per_vm_cost must not be negative",
                "Plan 4: must be an object",
            ]
        );
        assert_eq!(
            errors(file.options.into_iter().filter_map(Result::err).collect()),
            ["Option 2 (soc): option_value is missing", "Option 3 (soc): option_value must be a text"]
        );
    }

    #[test]
    fn other_files_are_refused_in_words() {
        for (text, says) in [
            ("", "not JSON"),
            ("[]", "object"),
            ("{}", "`plans` and `feature_options`"),
            (r#"{"plans": []}"#, "`plans` and `feature_options`"),
            (
                r#"{"default_plans_data": [1, 2], "default_features": {"a": 1}}"#,
                "`default_plans_data` with 2 entries, `default_features` with 1",
            ),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert_eq!(read(b"\xef\xbb\xbf{\"plans\": [], \"feature_options\": []}").unwrap().plans.len(), 0);
    }
}
