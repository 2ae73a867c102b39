//! From what a person sends to what is written: every value checked, none that the environment has fixed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Change, Snapshot, Source,
    fields::{FIELDS, Field, HIDDEN, Kind},
};
use crate::config::{SHORTEST_SECRET, is_short_secret};

/// Sections with keys and values, as they are sent.
pub type Sent = BTreeMap<String, Map<String, Value>>;

/// What has to be written for `sent`; nothing for values that are as they were.
///
/// # Errors
/// `section.key` → sentence for every value that is not allowed.
pub fn plan(now: &Snapshot, sent: &Sent) -> Result<Vec<Change>, BTreeMap<String, String>> {
    let mut changes = Vec::new();
    let mut refused = BTreeMap::new();
    for (section, values) in sent {
        for (key, value) in values {
            let path = format!("{section}.{key}");
            let Some(field) = find(section, key) else {
                refused.insert(path, "There is no such setting.".to_owned());
                continue;
            };
            match one(now, field, value) {
                Ok(Some(change)) => changes.push(change),
                Ok(None) => {}
                Err(sentence) => {
                    refused.insert(path, sentence);
                }
            }
        }
    }
    enable_default_provider(now, &mut changes);
    if let Err(sentence) = webhooks_have_a_secret(now, &changes) {
        refused.insert("webhooks.secret".to_owned(), sentence);
    }
    for change in &changes {
        if let Err(sentence) = key_goes_where_it_was_meant_to(now, sent, change.field) {
            refused.insert(change.field.path(), sentence);
        }
    }
    if refused.is_empty() { Ok(changes) } else { Err(refused) }
}

/// The setting with the secret that goes to the server which this one names.
pub fn secret_for(section: &str, key: &str) -> Option<&'static Field> {
    match (section, key) {
        ("freshservice", "domain" | "base_url") => find("freshservice", "api_key"),
        ("superops", "base_url") => find("superops", "api_key"),
        ("datto", "api_endpoint") => find("datto", "secret_key"),
        _ => None,
    }
}

/// A stored secret is not sent to another server: whoever could only name the server would get to know it.
fn key_goes_where_it_was_meant_to(now: &Snapshot, sent: &Sent, server: &Field) -> Result<(), String> {
    let Some(secret) = secret_for(server.section, server.key) else { return Ok(()) };
    let (stored, source) = current(now, secret);
    if stored.is_none_or(|stored| stored.trim().is_empty()) {
        return Ok(());
    }
    if !source.is_editable() {
        return Err(format!(
            "The {} is fixed outside of this file, so the server it is sent to cannot be changed here.",
            secret.label
        ));
    }
    match sent.get(secret.section).and_then(|section| section.get(secret.key)) {
        Some(value) if !value.as_str().is_some_and(keeps) => Ok(()),
        _ => Err(format!("Enter the {} again: it would be sent to another server.", secret.label)),
    }
}

/// What is shown instead of a secret, and an empty field, leave it as it is.
fn keeps(text: &str) -> bool {
    text.trim().is_empty() || text == HIDDEN
}

/// The setting of that name, if this build has it.
pub fn find(section: &str, key: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.section == section && field.key == key && field.variable().is_some())
}

fn one(now: &Snapshot, field: &'static Field, sent: &Value) -> Result<Option<Change>, String> {
    if field.kind == Kind::Secret && sent.as_str().is_some_and(keeps) {
        return Ok(None);
    }
    let value = field.accept(sent)?;
    let (raw, source) = current(now, field);
    let same = match &value {
        Some(value) => raw == Some(value.as_str()),
        None => source == Source::Default,
    };
    if same
        || value.as_ref().is_some_and(|value| {
            raw.is_some_and(|raw| field.shown(raw) == field.shown(value)) && field.kind != Kind::Secret
        })
    {
        return Ok(None);
    }
    if !source.is_editable() {
        return Err(match source {
            Source::CommandLine => "This is fixed by an argument of the command line.".to_owned(),
            _ => "This is fixed by the environment of the service.".to_owned(),
        });
    }
    Ok(Some(Change { field, value }))
}

/// The text of a setting and what gave it.
pub fn current<'a>(now: &'a Snapshot, field: &Field) -> (Option<&'a str>, Source) {
    let known = field.variable().and_then(|variable| now.values.get(variable));
    known.map_or((None, Source::Default), |known| (known.raw.as_deref(), known.source))
}

/// The text a setting will have.
fn after<'a>(now: &'a Snapshot, changes: &'a [Change], section: &str, key: &str) -> Option<&'a str> {
    let changed = changes.iter().find(|change| change.field.section == section && change.field.key == key);
    match changed {
        Some(change) => change.value.as_deref(),
        None => find(section, key).and_then(|field| current(now, field).0),
    }
}

/// Who makes a provider the active one wants it to be read.
fn enable_default_provider(now: &Snapshot, changes: &mut Vec<Change>) {
    let Some(chosen) =
        changes.iter().find(|change| (change.field.section, change.field.key) == ("psa", "default_provider"))
    else {
        return;
    };
    let Some(name) = chosen.value.clone() else { return };
    let enabled = after(now, changes, "psa", "enabled_providers").unwrap_or_default();
    let mut names: Vec<&str> = enabled.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let Some(field) = find("psa", "enabled_providers") else { return };
    if names.contains(&name.as_str()) || !current(now, field).1.is_editable() {
        return;
    }
    names.push(&name);
    let value = Some(names.join(","));
    changes.retain(|change| !std::ptr::eq(change.field, field));
    changes.push(Change { field, value });
}

/// Without a secret every webhook is refused, so switching them on would only look as if it worked; and one that can be
/// guessed opens the tickets to everybody.
fn webhooks_have_a_secret(now: &Snapshot, changes: &[Change]) -> Result<(), String> {
    let touched = |key: Option<&str>| {
        let of_webhooks = changes.iter().filter(|change| change.field.section == "webhooks");
        of_webhooks.map(|change| change.field.key).any(|changed| key.is_none_or(|key| changed == key))
    };
    let on = after(now, changes, "webhooks", "enabled")
        .is_some_and(|text| hivematrix_shared::config::parse_bool(text).unwrap_or(false));
    let secret = after(now, changes, "webhooks", "secret").filter(|secret| !secret.is_empty());
    match secret {
        None if on && touched(None) => Err("Webhooks need a secret. Make one first.".to_owned()),
        Some(secret)
            if is_short_secret(secret) && (touched(Some("secret")) || on && touched(Some("enabled"))) =>
        {
            Err(format!("The secret needs at least {SHORTEST_SECRET} characters. Have a new one made."))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::{LiveSettings, Origin};

    fn snapshot(arguments: &[&str]) -> std::sync::Arc<Snapshot> {
        let args = ["codex"].into_iter().chain(arguments.iter().copied());
        let nowhere = std::env::temp_dir().join("hivematrix-no-such-home");
        LiveSettings::new(Origin::new(args, nowhere).load().unwrap().settings).snapshot()
    }

    fn sent(value: Value) -> Sent {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_as_it_was_is_not_written_and_what_is_fixed_is_refused() {
        let now = snapshot(&["--freshservice-api-key", "k", "--sync-psa-schedule", "hourly"]);
        let same = sent(json!({"freshservice": {"api_key": ""}, "scheduler": {
            "sync_psa_schedule": "hourly", "sync_psa_time": "02:00", "sync_psa_enabled": true}}));
        assert!(plan(&now, &same).unwrap().is_empty());
        let fixed =
            sent(json!({"freshservice": {"api_key": "other"}, "scheduler": {"sync_psa_schedule": "daily"}}));
        let refused = plan(&now, &fixed).unwrap_err();
        assert_eq!(
            refused.keys().collect::<Vec<_>>(),
            ["freshservice.api_key", "scheduler.sync_psa_schedule"]
        );
        assert!(refused["freshservice.api_key"].contains("fixed"));
    }

    #[test]
    fn every_wrong_value_is_named() {
        let refused = plan(
            &snapshot(&[]),
            &sent(json!({"scheduler": {"sync_psa_time": "25:00", "nope": 1}, "core": {"port": 1}})),
        )
        .unwrap_err();
        assert_eq!(
            refused.keys().collect::<Vec<_>>(),
            ["core.port", "scheduler.nope", "scheduler.sync_psa_time"]
        );
    }

    #[test]
    fn a_webhook_secret_cannot_be_guessed() {
        let short = snapshot(&["--webhooks-secret", "h00k"]);
        let long = snapshot(&["--webhooks-secret", "0123456789abcdef"]);
        for (now, values, fits) in [
            (&snapshot(&[]), json!({"secret": "0123456789abcde"}), false),
            (&snapshot(&[]), json!({"secret": "0123456789abcdef"}), true),
            (&snapshot(&[]), json!({"enabled": true}), false),
            (&short, json!({"enabled": true}), false),
            (&short, json!({"log_payloads": true}), true),
            (&long, json!({"enabled": true}), true),
        ] {
            let planned = plan(now, &sent(json!({ "webhooks": values })));
            let named = planned.err().map(|refused| refused.into_keys().collect::<Vec<_>>());
            let expected = (!fits).then(|| vec!["webhooks.secret".to_owned()]);
            assert_eq!(named, expected, "{values}");
        }
    }

    #[test]
    fn the_active_provider_is_read() {
        let changes = plan(&snapshot(&[]), &sent(json!({"psa": {"default_provider": "superops"}}))).unwrap();
        let written: Vec<_> =
            changes.iter().map(|change| (change.field.key, change.value.as_deref().unwrap())).collect();
        assert_eq!(
            written,
            [("default_provider", "superops"), ("enabled_providers", "freshservice,superops")]
        );
    }

    #[test]
    fn a_stored_key_is_not_sent_to_another_server() {
        let home = std::env::temp_dir().join(format!("hivematrix-codex-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(home.join("codex")).unwrap();
        let conf = "[freshservice]\ndomain = acme.freshservice.com\napi_key = k3y\n[datto]\napi_endpoint = https://a.example\n";
        std::fs::write(home.join("codex/codex.conf"), conf).unwrap();
        let load = |args: &[&str]| {
            let args = ["codex"].into_iter().chain(args.iter().copied());
            LiveSettings::new(Origin::new(args, home.clone()).load().unwrap().settings).snapshot()
        };
        let (now, fixed) = (load(&[]), load(&["--freshservice-api-key", "k3y"]));
        std::fs::remove_dir_all(&home).unwrap();
        let domain = "freshservice.domain";
        for (case, now, values, refused) in [
            ("alone", &now, json!({"freshservice": {"domain": "evil.example"}}), Some(domain)),
            (
                "the hidden key",
                &now,
                json!({"freshservice": {"domain": "evil.example", "api_key": "***"}}),
                Some(domain),
            ),
            (
                "no key",
                &now,
                json!({"freshservice": {"base_url": "https://evil.example", "api_key": " "}}),
                Some("freshservice.base_url"),
            ),
            (
                "another vendor's key",
                &now,
                json!({"freshservice": {"domain": "evil.example"}, "superops": {"api_key": "x"}}),
                Some(domain),
            ),
            ("the same key", &now, json!({"freshservice": {"domain": "b.example", "api_key": "k3y"}}), None),
            ("the key goes", &now, json!({"freshservice": {"domain": "b.example", "api_key": null}}), None),
            (
                "as it was",
                &now,
                json!({"freshservice": {"domain": "acme.freshservice.com", "web_domain": "help.example"}}),
                None,
            ),
            ("no key stored", &now, json!({"datto": {"api_endpoint": "https://b.example"}}), None),
            (
                "fixed key",
                &fixed,
                json!({"freshservice": {"domain": "b.example", "api_key": "k3y"}}),
                Some(domain),
            ),
        ] {
            let planned = plan(now, &sent(values));
            let named = planned.as_ref().err().map(|refused| refused.keys().cloned().collect::<Vec<_>>());
            assert_eq!(named, refused.map(|path| vec![path.to_owned()]), "{case}");
        }
    }
}
