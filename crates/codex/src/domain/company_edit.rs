//! What a person may change about a company (codex-api.md §4.6): reading and checking the values that were sent. A field
//! that was not sent stays; an empty one is cleared; one that nobody knows is ignored.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::{contract::canonical_term, features::MOST, web_address::is_web_address};

/// Longest name; as long as the original's column.
const NAME: usize = 150;
/// Longest text.
const TEXT: usize = 20_000;
/// Longest key of a feature.
const FEATURE_KEY: usize = 100;

/// Plain fields and how long they may be.
const TEXTS: [(&str, usize); 10] = [
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
];
const DATES: [&str; 3] = ["company_start_date", "contract_start_date", "contract_end_date"];
/// Ids of people at the vendor.
pub const PEOPLE: [&str; 2] = ["head_user_id", "prime_user_id"];
/// How strictly a company's data is kept; the usual level first.
pub const LEVELS: [&str; 3] = ["standard", "cjis", "hipaa"];

/// A value that cannot be taken, unless it is the one that is stored already.
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit {
    /// As it was sent.
    pub sent: Value,
    /// The sentence for the person whose value does not fit.
    pub sentence: String,
}

/// Values to store, by column; null clears.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    /// Columns.
    pub fields: BTreeMap<&'static str, Value>,
    /// Columns whose values do not fit. Who sends back all of a company must not fail over a date that an older system has
    /// left there, so that these are compared with what is stored.
    pub misfits: BTreeMap<&'static str, Misfit>,
    /// What is agreed instead of the plan's features, all of it; none leaves it as it is.
    pub overrides: Option<BTreeMap<String, String>>,
}

/// Checks what was sent.
///
/// # Errors
/// The sentence for a person who sent nothing, or no set of features.
pub fn read(body: &Map<String, Value>) -> Result<Edit, String> {
    if body.is_empty() {
        return Err("No data provided".to_owned());
    }
    let mut edit = Edit::default();
    for (field, sent) in body {
        if field == "feature_overrides" {
            edit.overrides = Some(overrides(sent)?);
            continue;
        }
        let Some((name, value)) = column(field, sent) else { continue };
        match value {
            Ok(value) => drop(edit.fields.insert(name, value.unwrap_or(Value::Null))),
            Err(sentence) => drop(edit.misfits.insert(name, Misfit { sent: sent.clone(), sentence })),
        }
    }
    Ok(edit)
}

/// The column of a field and its stored form; none for a field that nobody knows.
fn column(field: &str, sent: &Value) -> Option<(&'static str, Result<Option<Value>, String>)> {
    if let Some((name, longest)) = TEXTS.iter().find(|(name, _)| *name == field) {
        return Some((name, text(name, sent, *longest).map(|text| text.map(Value::from))));
    }
    if let Some(name) = DATES.iter().find(|name| **name == field) {
        return Some((name, date(name, sent).map(|date| date.map(Value::from))));
    }
    if let Some(name) = PEOPLE.iter().find(|name| **name == field) {
        return Some((name, person(name, sent).map(|id| id.map(Value::from))));
    }
    Some(match field {
        "name" => ("name", name(sent).map(|name| Some(name.into()))),
        "compliance_level" => ("compliance_level", level(sent).map(|level| Some(level.into()))),
        "contract_term_length" => {
            let term = text(field, sent, 50).map(|term| term.and_then(|term| canonical_term(&term)));
            ("contract_term_length", term.map(|term| term.map(Value::from)))
        }
        "datto_portal_url" => ("datto_portal_url", portal(sent).map(|url| url.map(Value::from))),
        "domains" => ("domains", domains(sent).map(|domains| domains.map(Value::from))),
        _ => return None,
    })
}

/// Whether a value means what is stored: the same, or the same day in another form.
pub fn is_as_stored(field: &str, stored: &Value, value: &Value) -> bool {
    let text =
        |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let parsed = || text(value).and_then(|text| serde_json::from_str::<Value>(&text).ok());
    stored == value
        || (!value.is_null() && text(stored).is_some() && text(stored) == text(value))
        || (DATES.contains(&field) && day(stored).is_some() && day(stored) == day(value))
        // Lists are sent as texts by the page of the original.
        || (stored.is_array() && parsed().as_ref() == Some(stored))
}

/// The day of a date or time as it is stored.
fn day(value: &Value) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(value.as_str()?.trim().split(['T', ' ']).next()?, "%Y-%m-%d").ok()
}

/// The name of a company, which every one has.
///
/// # Errors
/// The sentence for a name that is none, or too long.
pub fn name(sent: &Value) -> Result<String, String> {
    text("name", sent, NAME)?.ok_or_else(|| "A company needs a name.".to_owned())
}

/// Clearing the level means the usual one.
fn level(sent: &Value) -> Result<&'static str, String> {
    let Some(level) = text("compliance_level", sent, 20)? else { return Ok(LEVELS[0]) };
    let known = LEVELS.into_iter().find(|known| *known == level);
    known.ok_or_else(|| "compliance_level must be standard, cjis or hipaa.".to_owned())
}

fn portal(sent: &Value) -> Result<Option<String>, String> {
    match text("datto_portal_url", sent, 255)? {
        Some(url) if !is_web_address(&url) => {
            Err("datto_portal_url must begin with https:// or http://.".to_owned())
        }
        url => Ok(url),
    }
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
    if sent.len() > MOST {
        return Err(format!("feature_overrides may name at most {MOST} features."));
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
            ("compliance_level", json!(""), json!("standard")),
            ("compliance_level", Value::Null, json!("standard")),
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
        ] {
            let edit = read(json!({ field: sent, "address": "Here" })).unwrap();
            let misfit = edit.misfits.get(field).unwrap_or_else(|| panic!("{field}: {sent}"));
            assert_eq!((&misfit.sent, edit.fields.len()), (&sent, 1), "{field}: {sent}");
        }
        for body in [json!({ "feature_overrides": "soc" }), json!({ "feature_overrides": { "soc": ["a"] } })]
        {
            assert!(read(body.clone()).is_err(), "{body}");
        }
        assert_eq!(read(json!({})), Err("No data provided".to_owned()));
    }

    #[test]
    fn what_is_sent_back_as_it_is_stored_is_no_change() {
        for (field, stored, sent, same) in [
            ("contract_start_date", json!("2023-02-28T00:00:00Z"), json!("2023-02-28"), true),
            ("contract_start_date", json!("02/28/2023"), json!(" 02/28/2023 "), true),
            ("contract_start_date", json!("02/28/2023"), json!("03/28/2023"), false),
            ("contract_start_date", Value::Null, Value::Null, true),
            ("contract_start_date", json!("2023-02-28"), Value::Null, false),
            ("description", json!("2023-02-28T00:00:00Z"), json!("2023-02-28"), false),
            ("domains", json!(["localhost"]), json!("[\"localhost\"]"), true),
            ("domains", json!(["localhost"]), json!(["localhost"]), true),
            ("domains", json!(["localhost"]), json!("[]"), false),
            ("datto_portal_url", json!("rmm.example/x"), json!("rmm.example/x"), true),
            ("name", json!("Acme"), json!(""), false),
        ] {
            assert_eq!(is_as_stored(field, &stored, &sent), same, "{field}: {stored} {sent}");
        }
    }

    #[test]
    fn nobody_agrees_on_countless_features() {
        let many = |count: usize| {
            let all: Map<String, Value> =
                (0..count).map(|number| (format!("f{number}"), json!("x"))).collect();
            read(json!({ "feature_overrides": all }))
        };
        assert_eq!(many(MOST).unwrap().overrides.unwrap().len(), MOST);
        assert!(many(MOST + 1).unwrap_err().contains("at most 200"));
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
