//! Reads the master configuration.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    super::output::{answer, harmless, say},
    GetArgs,
};
use crate::{
    domain::master_config::{Document, HIDDEN, parse_path, schema},
    instance::{Layout, master_config},
};

/// One setting in `helm config show`.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Setting {
    key: String,
    value: Option<String>,
    /// `file`, `default`, or `unset`.
    source: &'static str,
    meaning: &'static str,
}

pub(super) fn get(layout: &Layout, args: &GetArgs) -> Result<()> {
    let path = parse_path(&args.key).map_err(super::edit::refused)?;
    let stored = master_config::read(layout)?.document;
    let document = if args.secrets { stored } else { stored.hidden() };
    let value = match document.get(&path) {
        Some(value) => value.clone(),
        // A service without settings of its own (platform.md §3.3).
        None if matches!(path[..], ["apps", _]) => Value::Object(Map::new()),
        None => schema::find(&path)
            .and_then(|key| key.kind.checked(&Value::from(key.default?)).ok())
            .with_context(|| format!("{} is not set", args.key))?,
    };
    match value {
        Value::String(text) if !args.json => say!("{}", harmless(&text)),
        value => answer(&value).context("cannot write JSON")?,
    }
    Ok(())
}

pub(super) fn all(layout: &Layout, json: bool) -> Result<()> {
    let document = master_config::read(layout)?.document;
    let settings = settings(&document);
    if json {
        answer(&settings).context("cannot write JSON")?;
        return Ok(());
    }
    let width = settings.iter().map(|setting| setting.key.len()).max().unwrap_or(0);
    for Setting { key, value, source, .. } in &settings {
        say!("{key:<width$}  {:<8} {}", source, harmless(value.as_deref().unwrap_or("-")));
    }
    if settings.is_empty() {
        bail!("nothing is known of this instance");
    }
    Ok(())
}

/// Known keys in their order, then what else is set. Secrets are out of sight.
fn settings(document: &Document) -> Vec<Setting> {
    let hidden = document.clone().hidden();
    let known = schema::KEYS.iter().filter(|key| !key.path.contains('*')).map(|key| {
        let path: Vec<&str> = key.path.split('.').collect();
        let set = hidden.text(&path);
        let source = match (&set, key.default) {
            (Some(_), _) => "file",
            (None, Some(_)) => "default",
            (None, None) => "unset",
        };
        let value = set.or_else(|| key.default.map(str::to_owned));
        Setting { key: key.path.to_owned(), value, source, meaning: key.meaning }
    });
    let known: Vec<Setting> = known.collect();
    let others = hidden.leaves().into_iter().filter_map(|(path, value)| {
        let key = path.join(".");
        if known.iter().any(|setting| setting.key == key) || value.as_str() == Some("") {
            return None;
        }
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let meaning = schema::find(&path).map_or("kept as it is", |key| key.meaning);
        Some(Setting { key, value: Some(value), source: "file", meaning })
    });
    let others: Vec<Setting> = others.collect();
    known.into_iter().chain(others).collect()
}

/// A value of an environment as it may be shown.
pub(super) fn shown<'a>(name: &str, value: &'a str, secrets: bool) -> &'a str {
    // Addresses of databases and Redis hold passwords.
    let name = name.to_ascii_lowercase();
    let is_secret = schema::is_secret(&[&name]) || name.ends_with("database_url") || name == "redis_url";
    if is_secret && !secrets { HIDDEN } else { value }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_setting_is_shown_with_where_it_comes_from() {
        let document = Document::of(json!({
            "system": {"log_level": "DEBUG"}, "keycloak": {"client_secret": "s"}, "apps": {"codex": {"note": [1]}}
        }))
        .unwrap();
        let settings = settings(&document);
        let of = |key: &str| {
            let setting = settings.iter().find(|setting| setting.key == key).unwrap();
            (setting.value.as_deref(), setting.source)
        };
        assert_eq!(of("system.log_level"), (Some("DEBUG"), "file"));
        assert_eq!(of("system.environment"), (Some("development"), "default"));
        assert_eq!(of("keycloak.url"), (None, "unset"));
        assert_eq!(of("keycloak.client_secret"), (Some("***"), "file"));
        assert_eq!(of("apps.codex.note"), (Some("[1]"), "file"));
    }

    #[test]
    fn passwords_inside_addresses_are_hidden_too() {
        for (name, hidden) in [
            ("SECRET_KEY", true),
            ("DATABASE_URL", true),
            ("REDIS_URL", true),
            ("FRESHSERVICE_API_KEY", true),
            ("KEYCLOAK_ADMIN_PASS", true),
            ("KEYCLOAK_CLIENT_ID", false),
            ("JWT_PRIVATE_KEY_FILE", false),
            ("LOG_LEVEL", false),
        ] {
            assert_eq!(shown(name, "value", false) == HIDDEN, hidden, "{name}");
            assert_eq!(shown(name, "value", true), "value");
        }
    }
}
