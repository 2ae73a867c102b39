//! What a person may change about a company (codex-api.md §4.6): reading and checking the values that were sent. A field
//! that was not sent stays; an empty one is cleared; one that nobody knows is ignored.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::contract::canonical_term;

/// Longest name; as long as the original's column.
const NAME: usize = 150;
/// Longest text.
const TEXT: usize = 20_000;
/// Most features that may be agreed with one company.
const FEATURES: usize = 200;
/// Longest key of a feature.
const FEATURE_KEY: usize = 100;

/// Plain fields and how long they may be.
const TEXTS: [(&str, usize); 11] = [
    ("description", TEXT),
    ("address", TEXT),
    ("billing_plan", 100),
    ("support_level", 100),
    ("email_system", 100),
    ("phone_system", 100),
    ("managed_users", 100),
    ("managed_devices", 100),
    ("managed_network", 100),
    ("company_main_number", 50),
    ("datto_portal_url", 255),
];
const DATES: [&str; 3] = ["company_start_date", "contract_start_date", "contract_end_date"];
/// Ids of people at the vendor.
pub const PEOPLE: [&str; 2] = ["head_user_id", "prime_user_id"];
/// How strictly a company's data is kept.
pub const LEVELS: [&str; 3] = ["standard", "cjis", "hipaa"];

/// Values to store, by column; null clears.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    /// Columns.
    pub fields: BTreeMap<&'static str, Value>,
    /// What is agreed instead of the plan's features, all of it; none leaves it as it is.
    pub overrides: Option<BTreeMap<String, String>>,
}

/// Checks what was sent.
///
/// # Errors
/// The sentence for the person whose value does not fit.
pub fn read(body: &Map<String, Value>) -> Result<Edit, String> {
    if body.is_empty() {
        return Err("No data provided".to_owned());
    }
    let mut edit = Edit::default();
    for (field, value) in body {
        let known = TEXTS.iter().find(|(name, _)| name == field);
        let (name, value) = if let Some((name, longest)) = known {
            (*name, text(name, value, *longest)?.map(Value::from))
        } else if let Some(name) = DATES.iter().find(|name| *name == field) {
            (*name, date(name, value)?.map(Value::from))
        } else if let Some(name) = PEOPLE.iter().find(|name| *name == field) {
            (*name, person(name, value)?.map(Value::from))
        } else {
            match field.as_str() {
                "name" => {
                    let name = text("name", value, NAME)?.ok_or("A company needs a name.")?;
                    ("name", Some(Value::from(name)))
                }
                "compliance_level" => {
                    let level = text(field, value, 20)?.filter(|level| LEVELS.contains(&level.as_str()));
                    let level = level.ok_or("compliance_level must be standard, cjis or hipaa.")?;
                    ("compliance_level", Some(Value::from(level)))
                }
                "contract_term_length" => {
                    let term = text(field, value, 50)?.and_then(|term| canonical_term(&term));
                    ("contract_term_length", term.map(Value::from))
                }
                "domains" => ("domains", domains(value)?.map(Value::from)),
                "feature_overrides" => {
                    edit.overrides = Some(overrides(value)?);
                    continue;
                }
                _ => continue,
            }
        };
        edit.fields.insert(name, value.unwrap_or(Value::Null));
    }
    if let Some(Value::String(url)) = edit.fields.get("datto_portal_url")
        && !is_web_address(url)
    {
        return Err("datto_portal_url must begin with https:// or http://.".to_owned());
    }
    Ok(edit)
}

/// Whether a text is an address that a page may link to.
pub fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

/// Trimmed text; none for nothing but white space. Numbers count as they are written.
fn text(field: &str, value: &Value, longest: usize) -> Result<Option<String>, String> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.replace('\0', "").trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(format!("{field} must be text.")),
    };
    if text.chars().count() > longest {
        return Err(format!("{field} may have at most {longest} characters."));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// A day; of a time only the date counts.
fn date(field: &str, value: &Value) -> Result<Option<String>, String> {
    let Some(text) = text(field, value, 40)? else { return Ok(None) };
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    match NaiveDate::parse_from_str(day, "%Y-%m-%d") {
        Ok(date) if day.len() == 10 => Ok(Some(date.to_string())),
        _ => Err(format!("{field} must be a date such as 2025-01-31.")),
    }
}

fn person(field: &str, value: &Value) -> Result<Option<i64>, String> {
    let Some(text) = text(field, value, 40)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{field} must be the number of a contact in the PSA."))
}

/// A list, or the text of one as the page of the original sends it.
fn domains(value: &Value) -> Result<Option<Vec<String>>, String> {
    let parsed;
    let list = match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text).unwrap_or_default();
            parsed.as_array()
        }
        other => other.as_array(),
    };
    let list =
        list.filter(|list| list.len() <= 200).ok_or("domains must be a JSON array of domain names.")?;
    let mut domains = Vec::new();
    for value in list {
        let domain = value.as_str().unwrap_or_default().trim().trim_end_matches('.').to_lowercase();
        if domain.is_empty() && value.is_string() {
            continue;
        }
        if !is_domain(&domain) {
            return Err(format!("{value} is no domain name, such as example.com."));
        }
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    Ok((!domains.is_empty()).then_some(domains))
}

/// Labels of letters (of any alphabet), digits and hyphens, at least two.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

/// Feature → value; values that say nothing are left out.
fn overrides(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let Value::Object(sent) = value else {
        return Err("feature_overrides must be an object of texts.".to_owned());
    };
    if sent.len() > FEATURES {
        return Err(format!("feature_overrides may name at most {FEATURES} features."));
    }
    let mut overrides = BTreeMap::new();
    for (key, value) in sent {
        if key.chars().count() > FEATURE_KEY {
            return Err(format!(
                "feature_overrides: the key of a feature has at most {FEATURE_KEY} characters."
            ));
        }
        match value {
            Value::Null | Value::Bool(false) => {}
            Value::Number(number) if number.as_f64() == Some(0.0) => {}
            Value::String(_) => {
                if let Some(value) = text(key, value, 100)? {
                    overrides.insert(key.replace('\0', ""), value);
                }
            }
            _ => return Err(format!("feature_overrides: {key} must be text.")),
        }
    }
    Ok(overrides)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Edit, String> {
        super::read(body.as_object().unwrap())
    }

    #[test]
    fn values_get_their_stored_form() {
        for (field, sent, stored) in [
            ("name", json!("  Acme "), json!("Acme")),
            ("description", json!("  "), Value::Null),
            ("managed_users", json!(25), json!("25")),
            ("contract_term_length", json!("1-Year"), json!("1 Year")),
            ("contract_term_length", json!(""), Value::Null),
            ("contract_start_date", json!("2024-02-29T00:00:00Z"), json!("2024-02-29")),
            ("head_user_id", json!("42"), json!(42)),
            ("head_user_id", json!(42), json!(42)),
            ("prime_user_id", json!(""), Value::Null),
            ("domains", json!("[\"Acme.example\", \"acme.example.\", \"\"]"), json!(["acme.example"])),
            ("domains", json!(["bücher.example"]), json!(["bücher.example"])),
            ("domains", json!("[]"), Value::Null),
            ("datto_portal_url", json!("https://rmm.example/x"), json!("https://rmm.example/x")),
            ("compliance_level", json!("cjis"), json!("cjis")),
        ] {
            let edit = read(json!({ field: sent })).unwrap();
            assert_eq!(edit.fields.get(field), Some(&stored), "{field}: {sent}");
        }
        let edit = read(json!({ "account_number": "1", "shoe_size": 7 })).unwrap();
        assert_eq!(edit, Edit::default(), "unknown fields are ignored");
    }

    #[test]
    fn values_that_do_not_fit_are_named() {
        for (field, sent) in [
            ("name", json!("")),
            ("name", json!("x".repeat(151))),
            ("description", json!(["x"])),
            ("compliance_level", json!("none")),
            ("compliance_level", Value::Null),
            ("contract_start_date", json!("tomorrow")),
            ("contract_start_date", json!("2025-02-30")),
            ("contract_start_date", json!("2025-1-1")),
            ("head_user_id", json!("Jo")),
            ("head_user_id", json!(1.5)),
            ("domains", json!("acme.example")),
            ("domains", json!(["<script>"])),
            ("domains", json!(["localhost"])),
            ("domains", json!([7])),
            ("datto_portal_url", json!("javascript:alert(1)")),
            ("feature_overrides", json!("soc")),
            ("feature_overrides", json!({ "soc": ["a"] })),
        ] {
            assert!(read(json!({ field: sent })).is_err(), "{field}: {sent}");
        }
        assert_eq!(read(json!({})), Err("No data provided".to_owned()));
    }

    #[test]
    fn nobody_agrees_on_countless_features() {
        let many = |count: usize| {
            let all: Map<String, Value> =
                (0..count).map(|number| (format!("f{number}"), json!("x"))).collect();
            read(json!({ "feature_overrides": all }))
        };
        assert_eq!(many(FEATURES).unwrap().overrides.unwrap().len(), FEATURES);
        assert!(many(FEATURES + 1).unwrap_err().contains("at most 200"));
        let long = json!({ "feature_overrides": { "x".repeat(FEATURE_KEY + 1): "y" } });
        assert!(read(long).unwrap_err().contains("at most 100 characters"));
    }

    #[test]
    fn overrides_that_say_nothing_are_left_out() {
        let sent = json!({ "soc": "Agent", "sat": "", "antivirus": null, "email_security": false, "x": 0 });
        let overrides = read(json!({ "feature_overrides": sent })).unwrap().overrides.unwrap();
        assert_eq!(overrides, BTreeMap::from([("soc".to_owned(), "Agent".to_owned())]));
    }
}
